import { MAX_MESSAGE_BYTES } from '@blyan/chain';
import {
  assembleCertificate,
  type BlockHeader,
  decodeEvidence,
  decodeHeader,
  decodeRecord,
  encodeCertificate,
  encodeOutline,
  headerHash,
  recordsRoot,
  verifyEvidence,
} from '@blyan/chain-format';
import { fromHex, generateKeyPair, nodeSuite, toHex } from '@blyan/crypto';
import { BadRecords } from '@blyan/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBlockMessage } from '../../src/chain/block-message.ts';
import { encodeRecordAnnouncement, encodeRecordBatch } from '../../src/chain/record-batch.ts';
import { genesis, type Honest, Liar, startHonest, untilFinal, validators } from './bad-network.ts';

/** What it costs to send what no honest node sends; at 100 a peer is refused. */
const POINTS = 25;
const PATIENT = { timeout: 10_000 };
const records = new BadRecords(genesis.hash, generateKeyPair().secretSeed);
let honest: Honest;
let liar: Liar;

beforeAll(async () => {
  honest = await startHonest();
  await untilFinal(honest, records.first);
  await honest.chain.submit(records.waiting);
});
afterAll(async () => {
  await honest.chain.stop();
  await honest.host.stop();
});

async function meet(...rest: [served?: Parameters<typeof Liar.meet>[1], leads?: boolean]): Promise<void> {
  liar = await Liar.meet(honest, ...rest);
}

/** Settles when the liar has paid so much for it. */
async function blamed(points: number, code: string): Promise<void> {
  await expect.poll(() => honest.host.faults(liar.host.peerId), PATIENT).toMatchObject({ points, last: { code } });
  await liar.host.stop();
}

describe('over gossip', () => {
  const [oversized, ...rest] = records.all;

  test.each(rest)('a record that is $what costs its sender ($code)', async ({ bytes, verdict, code }) => {
    await meet();
    await liar.gossip('chain-records', encodeRecordBatch([bytes, bytes]));
    await blamed(verdict === 'reject' ? POINTS : 0, code);
  });

  test('an oversized record costs its sender, in a message and fetched from it', async () => {
    await meet();
    await liar.gossip('chain-records', encodeRecordBatch([new Uint8Array(50_000)]));
    await blamed(POINTS, 'ERR_P2P_CHAIN_MESSAGE');
    await meet({ record: () => (oversized as { bytes: Uint8Array }).bytes });
    await liar.gossip('chain-records', encodeRecordAnnouncement('ab'.repeat(32)));
    await blamed(POINTS, 'ERR_P2P_CHAIN_STALE');
  });

  test('a record that was announced and is another one, or not to be had, costs its sender', async () => {
    await meet({ record: () => records.node(1, 'other') });
    await liar.gossip('chain-records', encodeRecordAnnouncement('ac'.repeat(32)));
    await blamed(POINTS, 'ERR_P2P_CHAIN_STALE');
    await meet();
    await liar.gossip('chain-records', encodeRecordAnnouncement(decodeRecord(records.waiting, nodeSuite).hash));
    await blamed(0, 'ERR_P2P_CHAIN_STALE');
  });

  test('who sends what is of no use again and again is refused in the end', async () => {
    await meet();
    const { peerId } = liar.host;
    for (let i = 0; i < 620; i++) {
      await liar.gossip('chain-records', encodeRecordAnnouncement(toHex(nodeSuite.sha256(Uint8Array.of(i, i >> 8)))));
    }
    await expect.poll(() => honest.host.faults(peerId), PATIENT).toMatchObject({ refused: true });
    await expect.poll(() => honest.host.isConnected(peerId), PATIENT).toBe(false);
    await liar.host.stop();
  });

  test('a final block that too few signed, or of another network, or none at all, costs its sender', async () => {
    const header = await nextHeader();
    const hash = headerHash(header, nodeSuite);
    const block = { header, hash, recordHashes: [] };
    await meet();
    const certificate = signedBy({ kind: 'finalise', view: header.view, block: hash });
    await liar.gossip('chain-blocks', encodeBlockMessage(block, certificate));
    await blamed(POINTS, 'ERR_P2P_CHAIN_BLOCK');
    await meet();
    const other = { ...header, network: 'cd'.repeat(32) };
    await liar.gossip('chain-blocks', encodeBlockMessage({ ...block, header: other }, certificate));
    await blamed(POINTS, 'ERR_P2P_CHAIN_BLOCK');
    await meet();
    await liar.gossip('chain-blocks', Uint8Array.of(1, 2, 3));
    await blamed(POINTS, 'ERR_P2P_CHAIN_MESSAGE');
  });
});

test('bad records in the pool of a peer, and final blocks that nobody signed, cost the peer that serves them', async () => {
  const bad = records.all.find(({ code }) => code === 'ERR_RECORD_SIGNATURE') as { bytes: Uint8Array };
  const { hash } = decodeRecord(bad.bytes, nodeSuite);
  await meet({ pool: () => [hash], record: () => bad.bytes });
  await blamed(POINTS, 'ERR_RECORD_SIGNATURE');

  const header = await nextHeader();
  const block = headerHash(header, nodeSuite);
  await meet({
    reach: () => ({ height: header.height, hash: block }),
    block: async (height) => {
      if (height !== header.height) return null;
      const certificate = encodeCertificate(signedBy({ kind: 'finalise', view: header.view, block }));
      return { outline: encodeOutline({ header, recordHashes: [] }), records: [], certificate };
    },
  });
  await blamed(POINTS, 'ERR_CERTIFICATE_QUORUM');
});

describe('over consensus/1', () => {
  const block = 'ab'.repeat(32);
  const view = 2;

  test('bytes that are no message, or too many of them, cost their sender', async () => {
    await meet();
    await liar.say(Uint8Array.of(0x81, 0x07));
    await blamed(POINTS, 'ERR_CONSENSUS_MESSAGE');
    await meet();
    // The stream may be closed before all of it was sent.
    await Promise.allSettled([liar.say(new Uint8Array(MAX_MESSAGE_BYTES + 4096))]);
    await blamed(POINTS, 'ERR_CODEC_FRAME_TOO_LARGE');
  });

  test('a vote in the name of another, or with a signature that is none, costs its sender', async () => {
    await meet();
    const vote = liar.vote({ kind: 'dummy', view, block: null });
    await liar.say({ type: 'vote', vote: { ...vote, validator: liar.index === 0 ? 1 : 0 } });
    await blamed(POINTS, 'ERR_CONSENSUS_VOTE');
    await meet();
    const wrong = { ...liar.vote({ kind: 'dummy', view, block: null }), signature: new Uint8Array(64) };
    await liar.say({ type: 'vote', vote: wrong });
    await blamed(POINTS, 'ERR_CONSENSUS_VOTE');
  });

  test('a certificate of too few costs its sender', async () => {
    await meet();
    await liar.say({ type: 'certificate', certificate: signedBy({ kind: 'notarise', view, block }) });
    await blamed(POINTS, 'ERR_CONSENSUS_CERTIFICATE');
  });

  test('a proposal of one that does not lead costs its sender', async () => {
    await meet();
    await propose(await nextHeader());
    await blamed(POINTS, 'ERR_CONSENSUS_PROPOSAL');
  });

  // Before any vote of the view counts: with the first one the time begins after which the honest node leaves it.
  test('a leader that lies about the state costs itself, and the view only', async () => {
    await meet({}, true);
    await propose({ ...(await nextHeader()), stateRoot: 'ee'.repeat(32) });
    await blamed(POINTS, 'ERR_CHAIN_BLOCK_STATE');
  });

  test('two blocks in one view are evidence, which the node tells, and which anybody can check', async () => {
    await meet();
    for (const hash of [block, 'ac'.repeat(32)]) {
      await liar.say({ type: 'vote', vote: liar.vote({ kind: 'finalise', view, block: hash }) });
    }
    await expect
      .poll(() => honest.chain.head().evidence, PATIENT)
      .toMatchObject([{ epoch: 0, view, validator: liar.index }]);
    const proof = fromHex(honest.chain.head().evidence[0]?.proof as string);
    verifyEvidence(decodeEvidence(proof), validators, genesis.hash, nodeSuite);
    await liar.host.stop();
  });
});

test('the node has lived through all of it: what is good becomes final', async () => {
  await untilFinal(honest, records.node(1, 'after'));
  expect(honest.chain.failure).toBeNull();
  const head = honest.chain.head();
  expect(head.pending).toBe(0);
  await honest.chain.stop();
  // And after a restart it still holds its evidence.
  const again = honest.again();
  await again.start();
  expect(again.head()).toMatchObject({ height: head.height, evidence: head.evidence });
  await again.stop();
}, 20_000);

/** Of an empty block on the head, by the liar that was met last. */
async function nextHeader(): Promise<BlockHeader> {
  const { hash, height, timeMs } = honest.chain.head();
  const head = await honest.chain.block(hash);
  const { view, ...rest } = decodeHeader(head?.header as Uint8Array);
  const root = recordsRoot([], nodeSuite);
  const fields = { height: height + 1, parent: hash, timeMs: timeMs + 1, proposer: liar.index };
  return { ...rest, ...fields, view: view + 1, recordCount: 0, recordsRoot: root };
}

async function propose(header: BlockHeader): Promise<void> {
  const own = { ...header, proposer: liar.index };
  const hash = headerHash(own, nodeSuite);
  const vote = liar.vote({ kind: 'notarise', view: own.view, block: hash });
  await liar.say({ type: 'proposal', block: { hash, header: own, recordHashes: [] }, vote });
}

/** A certificate with the vote of the liar alone. */
function signedBy(ballot: Parameters<Liar['vote']>[0]) {
  return assembleCertificate({ epoch: 0, ...ballot }, [liar.vote(ballot)]);
}
