import { writeSync } from 'node:fs';
import { nodeSuite } from '@blyan/crypto';
import { errorCode } from '@blyan/interface';
import { LevelStore } from '@blyan/store';
import { BlockRepository, finalBlockWrites, unfinalisedBlockWrites } from '../../../packages/chain/src/index.ts';
import { StoredState } from '../../../packages/chain/src/state/stored-state.ts';
import { certify, execute, genesis, makeBlock, makeRecord } from './ledger.ts';

// The node that is killed: `node.ts DIR`. It writes `+HASH` for each record once the block that holds it is on disk, and
// `!CODE` when the store refuses.
const [dir = ''] = process.argv.slice(2);
const sync = { sync: true };
const acknowledge = (line: string) => writeSync(1, `${line}\n`);

const store = await LevelStore.open({ dir, writeBufferBytes: 256 * 1024 });
const repository = new BlockRepository(store, nodeSuite);
if (repository.head() === null) await store.write(genesis().writes, sync);
const state = new StoredState(store);
let head = repository.blockAt(repository.head()?.height ?? 0)?.block ?? null;
let nonce = Number(Buffer.from(store.get('s/nonce') ?? []).toString());

try {
  for (;;) {
    const records = Array.from({ length: 1 + ((head?.header.height ?? 0) % 8) }, () => makeRecord(nonce++));
    const hashes = records.map(({ hash }) => hash);
    const overlay = execute(state, makeBlock(head, hashes, ''.padEnd(64, '0')), records, head);
    const block = makeBlock(head, hashes, overlay.root);
    await store.write(unfinalisedBlockWrites(block, records), sync);
    const final = finalBlockWrites({ block, records, certificate: certify(block) }, { bodyStored: true });
    await store.write([...final, ...overlay.writes()], sync);
    state.absorb(overlay);
    head = block;
    for (const hash of hashes) acknowledge(`+${hash}`);
  }
} catch (error) {
  acknowledge(`!${errorCode(error)}`);
  // Nothing is taken any more: this write has to be refused as well.
  await store.write([{ key: 'm/late', value: new Uint8Array(1) }], sync).then(
    () => acknowledge('+late'),
    () => undefined,
  );
  process.exit(3);
}
