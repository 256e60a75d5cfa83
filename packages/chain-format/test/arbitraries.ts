import { toHex } from '@blyan/crypto';
import fc from 'fast-check';
import {
  type BlockHeader,
  type BlockOutline,
  type ChainRecord,
  type Evidence,
  headerHash,
  LANES,
  nobleSuite,
  type Proposal,
  type QuorumCertificate,
  type RecordProof,
  recordsRoot,
  type StateProof,
  slashable,
  type Vote,
  type VoteKind,
} from '../src/index.ts';

// Well-formed values of every format; signatures are any 64 bytes.

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hash = bytesOf(32).map(toHex);
const count = fc.oneof(fc.nat(), fc.maxSafeNat());
const hashes = (most: number) => fc.array(hash, { maxLength: most });
const text = fc.string({ maxLength: 10 });

export const record: fc.Arbitrary<ChainRecord> = fc.record({
  network: hash,
  lane: fc.constantFrom(...LANES),
  type: fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/),
  version: fc.integer({ min: 1, max: 65_535 }),
  author: hash,
  nonce: count,
  fee: fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
  dependsOn: fc.uniqueArray(hash, { maxLength: 16 }).map((list) => list.sort()),
  body: fc.dictionary(text, fc.oneof(text, fc.uint8Array({ maxLength: 200 }), fc.maxSafeInteger(), fc.boolean()), {
    maxKeys: 5,
    noNullPrototype: true,
  }),
  signature: bytesOf(64),
});

export const vote: fc.Arbitrary<Vote> = fc
  .record({
    kind: fc.constantFrom<VoteKind>('notarise', 'dummy', 'finalise'),
    epoch: count,
    view: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    block: hash,
    validator: fc.nat(1_023),
    signature: bytesOf(64),
  })
  .map((made) => ({ ...made, block: made.kind === 'dummy' ? null : made.block }));

export const certificate: fc.Arbitrary<QuorumCertificate> = fc
  .tuple(vote, fc.uniqueArray(fc.nat(1_023), { maxLength: 20 }))
  .map(([{ kind, epoch, view, block }, indices]) => {
    const signers = new Uint8Array(indices.length === 0 ? 0 : (Math.max(...indices) >> 3) + 1);
    for (const i of indices) signers[i >> 3] = (signers[i >> 3] as number) | (1 << (i & 7));
    return { kind, epoch, view, block, signers, signatures: new Uint8Array(64 * indices.length).fill(5) };
  });

export const header: fc.Arbitrary<BlockHeader> = fc.record({
  network: hash,
  epoch: count,
  height: count,
  view: count,
  parent: hash,
  timeMs: count,
  proposer: count,
  recordCount: fc.nat(32_768),
  recordsRoot: hash,
  stateRoot: hash,
  validatorsHash: hash,
  nextValidatorsHash: hash,
});

export const outline: fc.Arbitrary<BlockOutline> = fc.tuple(header, hashes(9)).map(([made, recordHashes]) => {
  const root = recordsRoot(recordHashes, nobleSuite);
  const whole = { ...made, recordCount: recordHashes.length, recordsRoot: root };
  return { hash: headerHash(whole, nobleSuite), header: whole, recordHashes };
});

export const proposal: fc.Arbitrary<Proposal> = fc
  .tuple(outline, vote)
  .filter(([block, { view }]) => view >= block.header.view)
  .map(([block, made]) => ({
    block,
    vote: { ...made, kind: 'notarise', block: block.hash, epoch: block.header.epoch },
  }));

export const evidence: fc.Arbitrary<Evidence> = fc
  .tuple(vote, hash, hash, fc.constantFrom<VoteKind>('notarise', 'dummy'))
  .filter(([, one, other]) => one !== other)
  .map(([made, one, other, kind]) => {
    const dummy = kind === 'dummy';
    const first: Vote = { ...made, kind, block: dummy ? null : one };
    return slashable(first, { ...made, kind: dummy ? 'finalise' : kind, block: other }) as Evidence;
  });

export const recordProof: fc.Arbitrary<RecordProof> = fc.record({ index: fc.nat(32_767), siblings: hashes(15) });

export const stateProof: fc.Arbitrary<StateProof> = fc.record({
  key: text,
  value: fc.option(fc.uint8Array({ maxLength: 100 })),
  siblings: hashes(20),
  other: fc.option(fc.record({ path: hash, valueHash: hash })),
});
