import { totalmem } from 'node:os';
import { ApiClient, parseUnits } from '@blyan/api';
import { expertEntryOf, expertKey, isVersion, modelEntryOf, modelKey, PACT_KEY } from '@blyan/chain';
import { type CanonicalValue, decodeCanonical } from '@blyan/codec/canonical';

import { expertContent, modelContent, nodeContent, type RecordContent, transferContent } from '../../chain/records.ts';
import { dataDirPaths } from '../../data-dir/data-dir.ts';
import { findModel } from '../../data-dir/models.ts';
import { NodeError, usageError } from '../../errors.ts';
import type { CommandHandler, CommandInput } from '../command.ts';
import type { CliContext } from '../context.ts';
import { findGateway } from '../find-gateway.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { sendRecord } from '../send-record.ts';

const MAX_VALUE_BYTES = 16 * 1024 * 1024;

export const sendTransfer: CommandHandler = async (context, input) => {
  const [to = '', text = ''] = input.args;
  if (!/^[0-9a-f]{64}$/.test(to)) throw usageError(`"${to}" is no address: 64 lower-case hexadecimal digits.`);
  const amount = parseUnits(text);
  if (amount === null || amount === 0n) throw usageError(`"${text}" is no amount in BLY, like 1.5.`);
  await send(context, input, async (client, signal) => {
    const pact = (await stateValue(client, PACT_KEY, signal)) as
      | { chain: { transactionFeePermille: number } }
      | undefined;
    const permille = BigInt(pact?.chain.transactionFeePermille ?? 0);
    return { content: transferContent(to, amount), leastFee: (amount * permille + 999n) / 1_000n };
  });
};

export const sendNode: CommandHandler = async (context, input) => {
  const name = input.options.name as string | undefined;
  await send(context, input, async (client, signal) => {
    const { nodes } = await client.state(signal);
    const self = nodes.find((node) => node.self);
    if (self === undefined) throw new NodeError('ERR_NODE_GATEWAY', 'That gateway is no node.', { kind: 'caller' });
    const { tier, profile } = self;
    return { content: nodeContent({ name, tier, profile, memoryBytes: Math.floor(totalmem() / 2), addresses: [] }) };
  });
};

export const sendModel: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, { ...input, options: { ...input.options, gateway: undefined } });
  const manifest = await findModel(dataDirPaths(config.dataDir).blocks, input.args[0] as string);
  const name = (input.options.name as string | undefined) ?? manifest.name;
  const wanted = input.options.modelVersion as string | undefined;
  if (wanted !== undefined && !isVersion(wanted)) throw usageError(`"${wanted}" is no version like 1.2.0.`);
  await send(context, input, async (client, signal) => {
    const entry = modelEntryOf(await stateValue(client, modelKey(name), signal));
    const version = wanted ?? (entry === null ? '1.0.0' : nextMinor(entry.latest));
    return { content: modelContent(name, version, manifest), more: { name, version, root: manifest.root } };
  });
};

export const sendExpert: CommandHandler = async (context, input) => {
  const [model = '', ...place] = input.args;
  const [layer = -1, expert = -1] = place.map(Number);
  const roots = (input.options.root ?? []) as readonly string[];
  if (roots.length === 0 || roots.some((root) => !/^[0-9a-f]{64}$/.test(root)))
    throw usageError('--root: give the root of each slice of the expert, 64 lower-case hexadecimal digits.');
  await send(context, input, async (client, signal) => {
    const entry = expertEntryOf(await stateValue(client, expertKey(model, layer, expert), signal));
    if (entry === null) throw usageError(`The chain has no expert ${layer}.${expert} of a model "${model}".`);
    return { content: expertContent({ model, layer, expert, roots, base: entry.base }) };
  });
};

interface Prepared {
  readonly content: RecordContent;
  /** Base units. */
  readonly leastFee?: bigint;
  /** Of the answer in JSON. */
  readonly more?: object;
}

async function send(
  context: CliContext,
  input: CommandInput,
  prepare: (client: ApiClient, signal: AbortSignal) => Promise<Prepared>,
): Promise<void> {
  const client = new ApiClient({ baseUrl: await findGateway(context, input) });
  const { content, leastFee = 0n, more = {} } = await prepare(client, context.signal);
  const given = input.options.fee as string | undefined;
  const fee = given === undefined ? leastFee : parseUnits(given);
  if (fee === null) throw usageError(`--fee: "${given}" is no amount in BLY, like 0.01.`);
  await sendRecord(context, input, { client, content, fee, more });
}

async function stateValue(client: ApiClient, key: string, signal: AbortSignal): Promise<CanonicalValue | undefined> {
  const { bytes } = await client.chain.state(key, false, signal);
  if (bytes === null) return undefined;
  return decodeCanonical(new Uint8Array(Buffer.from(bytes, 'base64')), { maxBytes: MAX_VALUE_BYTES });
}

function nextMinor(version: string): string {
  const [major = '1', minor = '0'] = version.split('-')[0]?.split('.') ?? [];
  return `${major}.${Number(minor) + 1}.0`;
}
