import { join } from 'node:path';
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
  const { config, origins } = await loadCommandConfig(context, {
    ...input,
    options: { ...input.options, gateway: undefined },
  });
  const folders = [config.dataDir];
  if (origins.dataDir === 'default') folders.push(join(context.cwd, DEVNET_DIR));
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
