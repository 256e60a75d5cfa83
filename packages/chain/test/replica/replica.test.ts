import { assembleCertificate } from '@blyan/chain-format';
import { MemoryStore } from '@blyan/store';
import { describe, expect, it } from 'vitest';
import { EPOCH_BLOCKS } from '../application/fixture.ts';
import { DELTA_MS, KEYS, leaderIn, NAMES, OtherChain, payment, STRANGER, TestReplica, vote } from './fixture.ts';

/** The leader of view 1 of the first epoch, and the other validator. */
const probe = await OtherChain.of(0);
const leader = leaderIn(probe.node, 1);
const other = 1 - leader;
const LEADER = NAMES[leader] as string;
const FOLLOWER = NAMES[other] as string;
/** The two are a quorum: with the leader's vote and its own a follower goes on to finalise. */
const BOTH = ['notarise', 'finalise'];

/** A block of one payment by the leader of view 1. */
async function firstBlock() {
  const chain = await OtherChain.of(0);
  chain.node.offer(payment(0));
  return chain.next(1);
}

/** A disk whose syncs take until they are let through, or fail. */
function slowDisk() {
  const waiting: PromiseWithResolvers<void>[] = [];
  const disk = (sync: boolean) => {
    if (!sync) return Promise.resolve();
    const write = Promise.withResolvers<void>();
    waiting.push(write);
    return write.promise;
  };
  return {
    store: new MemoryStore({ disk }),
    waiting,
    open: () => {
      for (const write of waiting.splice(0)) write.resolve();
    },
  };
}

async function started(name: string | null, disk: ReturnType<typeof slowDisk>): Promise<TestReplica> {
  const starting = TestReplica.start(name, disk.store);
  // The genesis block is written.
  while (disk.waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  disk.open();
  return starting;
}

describe('a vote', () => {
  it('leaves when it is on disk, with the block and its records, and not before', async () => {
    const disk = slowDisk();
    const replica = await started(FOLLOWER, disk);
    const block = await firstBlock();
    replica.offer(payment(0));
    await replica.propose(block);
    expect(disk.waiting).toHaveLength(1);
    expect(replica.votes).toEqual([]);
    expect(disk.store.get(`u/${block.hash}`)).toBeDefined();
    expect(disk.store.get(`r/${payment(0).hash}`)).toEqual(payment(0).bytes);
    disk.open();
    await replica.settle();
    expect(replica.votes).toEqual(BOTH);
  });

  it('never leaves when the disk fails; the replica stops for good and says why', async () => {
    const disk = slowDisk();
    const replica = await started(FOLLOWER, disk);
    replica.offer(payment(0));
    await replica.propose(await firstBlock());
    disk.waiting[0]?.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
    await replica.settle();
    expect(replica.halts).toMatchObject([{ code: 'ERR_CONSENSUS_STORE' }]);
    expect(replica.replica.status.halted).toBe(true);
    await replica.after(100 * DELTA_MS);
    await replica.hear(KEYS[leader] as string, { type: 'vote', vote: vote('dummy', 1, null, leader) });
    expect(replica.sent).toEqual([]);
    expect(replica.halts).toHaveLength(1);
  });

  it('is not cast for another block of the view after a restart', async () => {
    const replica = await TestReplica.start(FOLLOWER);
    const block = await firstBlock();
    replica.offer(payment(0));
    await replica.propose(block);
    expect(replica.votes).toEqual(BOTH);
    const again = await TestReplica.start(FOLLOWER, replica.node.store.crash(0));
    const twin = await OtherChain.of(0);
    twin.node.nowMs += 1;
    twin.node.offer(payment(0));
    const second = twin.next(1);
    expect(second.hash).not.toBe(block.hash);
    again.offer(payment(0));
    await again.propose(second);
    await again.after(2 * DELTA_MS);
    const named = again.sent.flatMap(({ message }) => (message.type === 'vote' ? [message.vote.block] : []));
    expect(new Set(named)).toEqual(new Set([block.hash]));
  });

  it('waits for records that have to be fetched, of those who have the block', async () => {
    const replica = await TestReplica.start(FOLLOWER);
    const from: string[] = [];
    let known = false;
    replica.source.records = async (hashes, holders) => {
      from.push(...holders);
      expect(hashes).toEqual([payment(0).hash]);
      return known ? [payment(0).bytes] : [];
    };
    await replica.propose(await firstBlock());
    expect(from).toEqual([KEYS[leader]]);
    expect(replica.votes).toEqual([]);
    known = true;
    await replica.after(DELTA_MS);
    expect(replica.votes).toEqual(BOTH);
  });

  it('to finalise is cast for a block that others notarised, which is fetched from them and judged', async () => {
    const replica = await TestReplica.start(FOLLOWER);
    replica.offer(payment(0));
    const block = await firstBlock();
    const from: string[] = [];
    replica.source.outline = async (hash, holders) => {
      from.push(...holders);
      return hash === block.hash ? block : null;
    };
    const certificate = assembleCertificate(
      { kind: 'notarise', epoch: 0, view: 1, block: block.hash },
      [0, 1].map((validator) => vote('notarise', 1, block.hash, validator)),
    );
    await replica.hear(KEYS[leader] as string, { type: 'certificate', certificate });
    expect(from).toEqual([KEYS[leader]]);
    expect(replica.votes).toEqual(['finalise']);
    const other = { type: 'vote' as const, vote: vote('finalise', 1, block.hash, leader) };
    await replica.hear(KEYS[leader] as string, other);
    expect(replica.finals).toEqual([1]);
  });

  it('waits for a block from the future until the clock is there', async () => {
    const replica = await TestReplica.start(FOLLOWER);
    replica.offer(payment(0));
    const block = await firstBlock();
    const nowMs = replica.node.nowMs;
    replica.node.nowMs = block.header.timeMs - 10_000 - 40;
    await replica.propose(block);
    expect(replica.votes).toEqual([]);
    replica.node.nowMs = nowMs;
    await replica.after(40);
    expect(replica.votes).toEqual(BOTH);
  });
});

describe('a message', () => {
  it('of one that is no validator, or that claims to be this node, is not listened to', async () => {
    const replica = await TestReplica.start(FOLLOWER);
    for (const from of [STRANGER, KEYS[other] as string]) {
      await replica.hear(from, { type: 'vote', vote: vote('dummy', 1, null, leader) });
    }
    expect(replica.blamed).toEqual([]);
    expect(replica.replica.status.held).toBe(0);
  });

  it('that no honest validator sends is told with its code', async () => {
    const replica = await TestReplica.start(FOLLOWER);
    const from = KEYS[leader] as string;
    await replica.hear(from, { type: 'vote', vote: { ...vote('dummy', 1, null, other), validator: leader } });
    expect(replica.blamed).toEqual([[from, 'ERR_CONSENSUS_VOTE']]);
  });

  it('of the next epoch counts once this node is there', async () => {
    const chain = await OtherChain.of(EPOCH_BLOCKS);
    const replica = await TestReplica.start(FOLLOWER);
    await replica.hear(KEYS[leader] as string, { type: 'vote', vote: vote('dummy', 1, null, leader, 1) });
    expect(replica.replica.status).toMatchObject({ epoch: 0, held: 1 });
    replica.source.finalBlocks = async () => chain.bodies;
    replica.replica.offerHeight(STRANGER, EPOCH_BLOCKS);
    await replica.settle();
    // The view and the vote in it.
    expect(replica.replica.status).toMatchObject({ epoch: 1, view: 1, height: EPOCH_BLOCKS, held: 2 });
  });

  it('of an epoch that is over gets its sender told where the chain is, once in a delta', async () => {
    const chain = await OtherChain.of(EPOCH_BLOCKS);
    const replica = await TestReplica.start(FOLLOWER);
    replica.source.finalBlocks = async () => chain.bodies;
    replica.replica.offerHeight(KEYS[leader] as string, EPOCH_BLOCKS);
    await replica.settle();
    const late = { type: 'vote' as const, vote: vote('dummy', 1, null, leader) };
    for (let times = 0; times < 3; times++) await replica.hear(KEYS[leader] as string, late);
    const status = { to: [KEYS[leader]], message: { type: 'status', epoch: 1, height: EPOCH_BLOCKS } };
    expect(replica.sent).toMatchObject([status]);
    await replica.after(DELTA_MS);
    await replica.hear(KEYS[leader] as string, late);
    expect(replica.sent).toMatchObject([status, status]);
  });
});

describe('a replica', () => {
  it('makes a block of what waits, with the other validator, and reports it final once it is on disk', async () => {
    const replica = await TestReplica.start(LEADER);
    replica.offer(payment(0));
    await replica.settle();
    const proposed = replica.sent.map(({ message }) => message).find(({ type }) => type === 'proposal');
    if (proposed?.type !== 'proposal') throw new Error('no proposal');
    const { hash } = proposed.block;
    for (const kind of ['notarise', 'finalise'] as const) {
      await replica.hear(KEYS[other] as string, { type: 'vote', vote: vote(kind, 1, hash, other) });
    }
    expect(replica.votes).toEqual(['notarise', 'finalise']);
    expect(replica.finals).toEqual([1]);
    expect(replica.node.mempool.size + replica.replica.status.held).toBeLessThanOrEqual(1);
  });

  it('says nothing after it was stopped', async () => {
    const replica = await TestReplica.start(FOLLOWER);
    replica.offer(payment(0));
    await replica.replica.stop();
    await replica.propose(await firstBlock());
    await replica.after(100 * DELTA_MS);
    expect(replica.sent).toEqual([]);
    expect(replica.halts).toEqual([]);
  });

  it('without a vote says nothing, and asks the validators in turn for blocks that it may have missed', async () => {
    const chain = await OtherChain.of(2);
    const replica = await TestReplica.start(null);
    expect(replica.asked).toEqual([KEYS[0]]);
    await replica.after(20 * DELTA_MS);
    expect(replica.asked).toEqual([KEYS[0], KEYS[1]]);
    replica.source.finalBlocks = async () => chain.bodies;
    await replica.after(20 * DELTA_MS);
    expect(replica.height).toBe(2);
    expect(replica.sent).toEqual([]);
  });
});
