import {
  assembleCertificate,
  type BlockOutline,
  certificateVotes,
  headerHash,
  type QuorumCertificate,
} from '@blyan/chain-format';
import { nodeSuite } from '@blyan/crypto';
import { describe, expect, it } from 'vitest';
import type { FinalBlockBody } from '../../src/index.ts';
import { certificateFor, EPOCH_BLOCKS } from '../application/fixture.ts';
import { DELTA_MS, KEYS, NAMES, OtherChain, payment, STRANGER, TestReplica } from './fixture.ts';

const [LIAR, HONEST] = ['aa'.repeat(32), 'bb'.repeat(32)] as [string, string];
const chain = await OtherChain.of(EPOCH_BLOCKS + 2);
const { bodies } = chain;
const body = (height: number) => bodies[height - 1] as FinalBlockBody;

const signedBy = (certificate: QuorumCertificate, count: number) =>
  assembleCertificate(certificate, certificateVotes(certificate).slice(0, count));
const withCertificate = (found: FinalBlockBody, change: object): FinalBlockBody => ({
  ...found,
  certificate: { ...found.certificate, ...change },
});

describe('final blocks of a peer', () => {
  it('are executed, over the end of an epoch, and reported with the newest head', async () => {
    const replica = await TestReplica.start(null);
    replica.source.finalBlocks = async (height) => bodies.slice(height - 1);
    replica.replica.offerHeight(STRANGER, bodies.length);
    await replica.settle();
    expect(replica.height).toBe(EPOCH_BLOCKS + 2);
    expect(replica.finals.at(-1)).toBe(EPOCH_BLOCKS + 2);
    expect(replica.replica.status).toMatchObject({ epoch: 1, view: 3, validator: null });
  });

  it('without certificates of their own are final with the one that follows', async () => {
    const replica = await TestReplica.start(null);
    const { certificate } = body(3);
    replica.source.finalBlocks = async () => [1, 2, 3].map((height) => ({ ...body(height), certificate }));
    replica.replica.offerHeight(STRANGER, 3);
    await replica.settle();
    expect(replica.height).toBe(3);
  });

  const lies: [string, () => FinalBlockBody[], string][] = [
    ['of too few', () => [{ ...body(1), certificate: signedBy(body(1).certificate, 1) }], 'ERR_CERTIFICATE_QUORUM'],
    ['that only notarises', () => [withCertificate(body(1), { kind: 'notarise' })], 'ERR_CONSENSUS_CERTIFICATE'],
    ['of another epoch', () => [withCertificate(body(1), { epoch: 1 })], 'ERR_CONSENSUS_CERTIFICATE'],
    ['of another view', () => [withCertificate(body(1), { view: 7 })], 'ERR_CERTIFICATE_SIGNATURE'],
    ['for blocks with a gap', () => [body(2)], 'ERR_CONSENSUS_CERTIFICATE'],
    ['for blocks without their records', () => [{ ...body(1), records: [] }], 'ERR_CONSENSUS_CERTIFICATE'],
  ];

  it.each(lies)('with a certificate %s cost that peer, which is not believed for 4 delta', async (_, lie, code) => {
    const replica = await TestReplica.start(null);
    replica.asked.length = 0;
    replica.source.finalBlocks = async (height, [peer]) => (peer === LIAR ? lie() : bodies.slice(height - 1, 2));
    replica.replica.offerHeight(LIAR, 100);
    replica.replica.offerHeight(HONEST, 2);
    await replica.settle();
    expect(replica.blamed).toEqual([[LIAR, code]]);
    expect(replica.asked).toEqual([LIAR, HONEST]);
    expect(replica.height).toBe(2);
    replica.replica.offerHeight(LIAR, 100);
    await replica.settle();
    expect(replica.asked).toEqual([LIAR, HONEST]);
    await replica.after(4 * DELTA_MS);
    replica.replica.offerHeight(LIAR, 100);
    await replica.settle();
    expect(replica.asked).toEqual([LIAR, HONEST, LIAR]);
  });

  it('that nobody has are asked for once: whoever claims a height and gives nothing is left', async () => {
    const replica = await TestReplica.start(null);
    await replica.settle();
    replica.asked.length = 0;
    for (let peer = 0; peer < 100; peer++) replica.replica.offerHeight(peer.toString(16).padStart(64, '0'), 9);
    for (let turn = 0; turn < 40; turn++) await replica.settle();
    // As many are remembered at once; the others may come again.
    expect(replica.asked).toHaveLength(64);
    expect(replica.blamed).toEqual([]);
  });

  it('that this node finds invalid are the end of it', async () => {
    const replica = await TestReplica.start(NAMES[0] as string);
    const { block } = body(1);
    const header = { ...block.header, stateRoot: 'cc'.repeat(32) };
    const other = outline(header);
    const certificate = certificateFor(other);
    replica.offer(payment(0));
    replica.replica.offerFinal(STRANGER, other, certificate);
    await replica.settle();
    expect(replica.halts).toMatchObject([{ code: 'ERR_CONSENSUS_FINAL_INVALID', meta: { height: 1 } }]);
    expect(replica.halts[0]?.message).toContain('ERR_CHAIN_BLOCK_STATE');
    expect(replica.blamed).toEqual([]);
    expect(replica.height).toBe(0);
    expect(replica.sent).toEqual([]);
  });

  function outline(header: BlockOutline['header']): BlockOutline {
    return { hash: headerHash(header, nodeSuite), header, recordHashes: body(1).block.recordHashes };
  }
});

describe('a final block that is announced', () => {
  it('is taken at once when its records are here, and fetched when something is missing', async () => {
    const replica = await TestReplica.start(null);
    replica.asked.length = 0;
    replica.offer(payment(0));
    replica.replica.offerFinal(STRANGER, body(1).block, body(1).certificate);
    await replica.settle();
    expect(replica.asked).toEqual([]);
    expect(replica.height).toBe(1);
    replica.source.finalBlocks = async (height) => bodies.slice(height - 1, 3);
    replica.replica.offerFinal(STRANGER, body(3).block, body(3).certificate);
    await replica.settle();
    expect(replica.asked).toEqual([STRANGER]);
    expect(replica.height).toBe(3);
  });

  it('costs its sender when its certificate is none', async () => {
    const replica = await TestReplica.start(null);
    replica.replica.offerFinal(LIAR, body(1).block, signedBy(body(1).certificate, 1));
    await replica.settle();
    expect(replica.blamed).toEqual([[LIAR, 'ERR_CERTIFICATE_QUORUM']]);
    expect(replica.height).toBe(0);
  });

  it('moves a validator on to the next epoch, in which it votes', async () => {
    const replica = await TestReplica.start(NAMES[0] as string);
    replica.source.finalBlocks = async (height) => bodies.slice(height - 1, EPOCH_BLOCKS);
    replica.replica.offerFinal(KEYS[1] as string, body(EPOCH_BLOCKS).block, body(EPOCH_BLOCKS).certificate);
    await replica.settle();
    expect(replica.replica.status).toMatchObject({ epoch: 1, view: 1, validator: 0 });
  });
});
