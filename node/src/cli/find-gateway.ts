import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BuiltGenesis } from '@blyan/chain';
import { sha256, toHex } from '@blyan/crypto';
import type { NetworkId } from '@blyan/interface';
import { dataDirPaths } from '../data-dir/data-dir.ts';
import { readGenesis, readGenesisFile } from '../data-dir/genesis-file.ts';
import { type RunFile, readRunFile } from '../data-dir/run-file.ts';
import { NodeError, usageError } from '../errors.ts';
import type { CommandInput } from './command.ts';
import type { CliContext } from './context.ts';
import { loadCommandConfig } from './load-command-config.ts';

/** Where `devnet` keeps its network unless told otherwise, inside the working directory. */
export const DEVNET_DIR = join('.blyan', 'devnet');

/**
 * The daemon running on the data folder, or the devnet of the working directory.
 * @throws ERR_NODE_NOT_RUNNING
 */
export async function findRunning(context: CliContext, input: CommandInput): Promise<RunFile> {
  const folders = await dataFolders(context, input);
  for (const folder of folders) {
    const entry = await readRunFile(folder);
    if (entry !== null) return entry;
  }
  throw new NodeError(
    'ERR_NODE_NOT_RUNNING',
    `No node runs on ${folders.join(' or ')}. Start one with \`blyan-node start\` or \`blyan-node devnet\`, or name one with --data-dir.`,
    { kind: 'caller' },
  );
}

/** The genesis of a network, from the data folder or the devnet of the working directory; null where neither is of it. */
export async function findGenesis(
  context: CliContext,
  input: CommandInput,
  network: NetworkId,
): Promise<BuiltGenesis | null> {
  for (const folder of await dataFolders(context, input)) {
    const path = dataDirPaths(folder).genesis;
    const bytes = await readGenesisFile(path);
    if (bytes === null || toHex(sha256(bytes)) !== network) continue;
    return { genesis: readGenesis(bytes, path), bytes, hash: network };
  }
  return null;
}

/** Where the gateway of the data folder, or of the devnet of the working directory, keeps its ledger; perhaps there is none yet. */
export async function findLedger(context: CliContext, input: CommandInput): Promise<string> {
  const folders = await dataFolders(context, input);
  // A devnet's gateway is that of its first node.
  const paths = folders.flatMap((folder) => [folder, join(folder, 'node-0')]).map((one) => dataDirPaths(one).ledger);
  return paths.find((path) => existsSync(path)) ?? (paths[0] as string);
}

async function dataFolders(context: CliContext, input: CommandInput): Promise<string[]> {
  const options = { ...input.options, gateway: undefined };
  const { config, origins } = await loadCommandConfig(context, { ...input, options });
  return origins.dataDir === 'default' ? [config.dataDir, join(context.cwd, DEVNET_DIR)] : [config.dataDir];
}

/**
 * Base URL of the gateway to talk to: `--gateway`, else the running node's.
 * @throws ERR_NODE_NOT_RUNNING, or ERR_NODE_GATEWAY when the running node has none
 */
export async function findGateway(context: CliContext, input: CommandInput): Promise<string> {
  return (await findGateways(context, input))[0];
}

/** As `findGateway`, for a command whose `--gateway` may be repeated: gateways of one network, the first choice first. */
export async function findGateways(context: CliContext, input: CommandInput): Promise<[string, ...string[]]> {
  const given = input.options.gateway ?? context.env.BLYAN_GATEWAY_URL;
  const [first, ...others] = [given].flat().flatMap((one) => (typeof one === 'string' ? [gatewayUrl(one)] : []));
  if (first !== undefined) return [first, ...others];
  const running = await findRunning(context, input);
  if (running.gateway !== null) return [running.gateway];
  throw new NodeError(
    'ERR_NODE_GATEWAY',
    `The node of process ${running.pid} runs without a gateway. Name another one's with --gateway URL.`,
    { kind: 'caller' },
  );
}

function gatewayUrl(given: string): string {
  const url = /^[a-z]+:\/\//i.test(given) ? given : `http://${given}`;
  if (URL.canParse(url) && /^https?:/i.test(url)) return url.replace(/\/+$/, '');
  throw usageError(`--gateway: "${given}" is not a URL. Write for example http://127.0.0.1:4700.`);
}
