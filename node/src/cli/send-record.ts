import { resolve } from 'node:path';
import { type ApiClient, ApiClientError, type BlockEvent } from '@blyan/api';
import { addressOf, type RecordContent, signedRecord } from '../chain/records.ts';
import { dataDirPaths } from '../data-dir/data-dir.ts';
import { readNodeKey } from '../data-dir/node-key.ts';
import { NodeError } from '../errors.ts';
import type { CommandInput } from './command.ts';
import type { CliContext } from './context.ts';
import { loadCommandConfig } from './load-command-config.ts';
import { print, printable, printJson, say } from './output.ts';

const FINAL_WITHIN_MS = 60_000;

export interface Sending {
  readonly client: ApiClient;
  readonly content: RecordContent;
  /** Base units. */
  readonly fee: bigint;
  /** Further fields of the answer in JSON. */
  readonly more: object;
}

/**
 * Signs a record with the key of the data folder or of `--key`, behind those of the account that wait, and submits it; with
 * `--wait` it settles when the record is final.
 * @throws ERR_NODE_KEY, ERR_NODE_RECORD_DROPPED, ERR_NODE_RECORD_WAITING; what the chain refuses it with
 */
export async function sendRecord(context: CliContext, input: CommandInput, sending: Sending): Promise<void> {
  const { client, content, fee, more } = sending;
  const { chain } = client;
  const author = await keyOf(context, input);
  const { networkId } = await chain.head(context.signal);
  const { nextNonce } = await chain.account(addressOf(author), context.signal);
  const bytes = signedRecord(content, { network: networkId, nonce: nextNonce, fee }, author);
  const { hash } = await chain.submit(Buffer.from(bytes).toString('base64'), context.signal);
  const height = input.options.wait === true ? await untilFinal(context, client, hash) : null;
  if (input.options.json === true) return printJson(context, { hash, author: addressOf(author), height, ...more });
  print(context, printable(hash));
  if (height === null) say(context, 'It waits for a block; `blyan-node tx show` tells what becomes of it.');
  else say(context, `Final in block ${height}.`);
}

async function keyOf(context: CliContext, input: CommandInput) {
  const file = input.options.key as string | undefined;
  const { config } = await loadCommandConfig(context, { ...input, options: { ...input.options, gateway: undefined } });
  const path = file === undefined ? dataDirPaths(config.dataDir).nodeKey : resolve(context.cwd, file);
  const identity = await readNodeKey(path);
  if (identity !== null) return identity;
  const message = `There is no key at ${path}. Name one with --key, or make one with \`blyan-node keys create FILE\`.`;
  throw new NodeError('ERR_NODE_KEY', message, { kind: 'caller' });
}

/** @returns the height of its block */
async function untilFinal(context: CliContext, { chain }: ApiClient, hash: string): Promise<number> {
  const late = AbortSignal.timeout(FINAL_WITHIN_MS);
  const signal = AbortSignal.any([context.signal, late]);
  try {
    const blocks = chain.events(undefined, signal);
    for (let seen: BlockEvent | undefined; ; seen = (await blocks.next()).value) {
      if (seen?.recordHashes.includes(hash)) return seen.height;
      // The first event is the head: the record may be final below it already.
      const { place } = await chain.record(hash, signal);
      if (place !== null) return place.height;
    }
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof ApiClientError && error.meta.status === 404) {
      const message = `The record ${hash} was dropped: another one of the same account and nonce took its place.`;
      throw new NodeError('ERR_NODE_RECORD_DROPPED', message, { kind: 'caller', cause: error });
    }
    if (!late.aborted) throw error;
    const message = `The record ${hash} still waits after ${FINAL_WITHIN_MS / 1000} s: see \`blyan-node chain head\` for why.`;
    throw new NodeError('ERR_NODE_RECORD_WAITING', message, { kind: 'peer' });
  }
}
