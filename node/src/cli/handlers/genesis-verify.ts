import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { assertProtocolParams, buildGenesis, decodeGenesis, verifyGenesis } from '@blyan/chain';
import { sha256, toHex } from '@blyan/crypto';
import { isRoot } from '@blyan/interface';
import { readGenesisFile } from '../../data-dir/genesis-file.ts';
import { NodeError, usageError } from '../../errors.ts';
import { installedPath } from '../../installation.ts';
import type { CommandHandler } from '../command.ts';
import { print, printJson } from '../output.ts';

async function bytesOf(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() === true;
  if (isFolder) return (await buildGenesis(path, { signal })).bytes;
  const bytes = await readGenesisFile(path);
  if (bytes === null) throw new NodeError('ERR_NODE_MISSING_FILE', `${path} does not exist.`, { kind: 'caller' });
  return bytes;
}

/** Passes when the bytes are a genesis that this program can follow and, with `--network-id`, the expected one. */
export const genesisVerify: CommandHandler = async (context, input) => {
  const path = input.args[0] === undefined ? await installedPath('genesis') : resolve(context.cwd, input.args[0]);
  const expected = (input.options.networkId as string | undefined)?.toLowerCase();
  if (expected !== undefined && !isRoot(expected)) {
    throw usageError(`--network-id: "${expected}" is not a network id (64 hexadecimal digits).`);
  }
  const bytes = await bytesOf(path, context.signal);
  const networkId = toHex(sha256(bytes));
  const genesis = expected === undefined ? decodeGenesis(bytes) : verifyGenesis(bytes, expected);
  assertProtocolParams(genesis);
  if (input.options.json === true) return printJson(context, { ok: true, networkId, access: genesis.access, path });
  print(context, `ok  ${networkId}  ${genesis.access}`);
};
