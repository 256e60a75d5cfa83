import type { ChainHandlers } from '@blyan/chain';
import { MAX_POOL_HASHES } from '@blyan/chain';
import type { Hash } from '@blyan/interface';
import type { CallContext } from '../call-server.ts';
import { P2pError } from '../errors.ts';
import type { PeerProtocol } from '../peer-protocol.ts';
import { ANSWER_BYTES, chainWire, MAX_ANSWER_BLOCKS, packHashes, unpackHashes } from './chain-wire.ts';

type Served = Pick<ChainHandlers, 'reach' | 'record' | 'outline' | 'block' | 'pool' | 'snapshots'>;

/**
 * Answers peers about the chain; every answer is bounded in bytes.
 * @param served null while nothing is served
 */
export function serveChain(protocol: PeerProtocol, served: () => Served | null): void {
  const chain = (): Served => {
    const now = served();
    if (now !== null) return now;
    throw new P2pError('ERR_P2P_BUSY', 'The chain of this node is not open yet; ask another one.');
  };
  protocol.handle('reach', chainWire.reach, async () => chain().reach());
  protocol.handle('outline', chainWire.outline, async ({ hash }) => ({ outline: chain().outline(hash) }));
  protocol.handle('records', chainWire.records, async ({ hashes }) => ({
    records: collect(chain(), unpackHashes(hashes)),
  }));
  protocol.handle('blocks', chainWire.blocks, async ({ from }, context) => ({
    blocks: await range(chain(), from, context),
  }));
  protocol.handle('manifest', chainWire.manifest, async () => ({
    manifest: (await chain().snapshots?.manifest()) ?? null,
  }));
  protocol.handle('chunk', chainWire.chunk, async ({ height, index }) => ({
    chunk: (await chain().snapshots?.chunk(height, index)) ?? null,
  }));
  protocol.handle('ends', chainWire.ends, async ({ from }) => ({ ends: chain().snapshots?.epochEnds(from) ?? [] }));
  protocol.handle('pool', chainWire.pool, async () => ({ hashes: packHashes(chain().pool(MAX_POOL_HASHES)) }));
}

function collect(served: Served, hashes: readonly Hash[]): Uint8Array[] {
  const records: Uint8Array[] = [];
  let room = ANSWER_BYTES;
  for (const hash of hashes) {
    if (room <= 0) break;
    const record = served.record(hash);
    if (record === null) continue;
    records.push(record);
    room -= record.byteLength;
  }
  return records;
}

async function range(served: Served, from: number, { signal }: CallContext): Promise<unknown[]> {
  const blocks: unknown[] = [];
  let room = ANSWER_BYTES;
  for (let height = from; blocks.length < MAX_ANSWER_BLOCKS && !signal.aborted; height++) {
    const block = await served.block(height);
    if (block === null) break;
    room -= block.outline.byteLength + block.certificate.byteLength;
    for (const record of block.records) room -= record.byteLength;
    if (room < 0 && blocks.length > 0) break;
    blocks.push(block);
  }
  return blocks;
}
