import type { FaultReason, PeerId } from '@blyan/interface';
import type { Plan } from '@blyan/routing';
import { describe, expect, test } from 'vitest';
import { lossReason } from '../src/executor/loss-reason.ts';
import { Recovery } from '../src/executor/recovery.ts';
import { type LostNode, RunInbox } from '../src/executor/result-inbox.ts';
import type { StageChain } from '../src/executor/stage-chain.ts';
import type { StageNetwork } from '../src/executor/stage-network.ts';
import { InferenceError } from '../src/index.ts';

const FRONTIER = 20;

/** A stage of two layers on each of these nodes. */
function planOf(...peers: PeerId[]): Plan {
  return {
    ...{ type: 'pipeline', modelRoot: 'ab'.repeat(32), profile: 'p', mixedProfile: false, fallbackOrder: [] },
    ...{ embedding: 'A', head: 'A', experts: [] },
    stages: peers.map((peerId, index) => ({ peerId, firstLayer: 2 * index, lastLayer: 2 * index + 1 })),
  };
}

const lostNode = (peerId: PeerId, reason: FaultReason = 'gone', code = 'ERR_INFERENCE_STAGE' as const): LostNode => ({
  ...{ peerId, reason, error: new InferenceError(code, `${peerId} is lost`, { kind: 'peer' }) },
});

/** What one try to put the stages on a plan comes to. */
interface Try {
  /** By node; 0 when left out. */
  readonly positions?: Record<PeerId, number>;
  readonly lost?: readonly LostNode[];
  readonly replayLost?: readonly LostNode[];
  /** Nodes whose logs do not reach back. */
  readonly incomplete?: readonly PeerId[];
  /** While the stages are opened. */
  readonly meanwhile?: (inbox: RunInbox) => void;
}

interface Asked {
  readonly plan: string;
  readonly epoch: number;
  readonly valid: Record<PeerId, number>;
}

/** A recovery whose stages do, try by try, what a test says; spares take the place of the lost in their order. */
function recovering(tries: readonly Try[], spares: PeerId[] = ['X', 'Y', 'Z']) {
  const asked: Asked[] = [];
  const replays: Record<PeerId, number>[] = [];
  const blamed: [PeerId, FaultReason][] = [];
  const alive = new Set<PeerId>();
  const left = [...tries];
  let present: Try = {};
  let closed = 0;
  let changes = 0;
  const inbox = new RunInbox(planOf('B', 'C', 'D'));
  const chain = {
    connect: async (
      plan: Plan,
      epoch: number,
      valid: (stage: Plan['stages'][number]) => number,
      _keys: unknown,
      signals: (peerId: PeerId) => AbortSignal,
    ) => {
      present = left.shift() ?? {};
      const peers = plan.stages.map(({ peerId }) => peerId);
      peers.forEach(signals);
      asked.push({ plan: peers.join(''), epoch, valid: byPeer(plan, valid) });
      present.meanwhile?.(inbox);
      const aborted = peers.filter((peerId) => signals(peerId).aborted);
      const given = aborted.map((peerId): LostNode => {
        const error = signals(peerId).reason;
        return { peerId, reason: lossReason(error), error };
      });
      const lost = [...(present.lost ?? []), ...given];
      const positions = new Map(plan.stages.map((stage) => [stage.firstLayer, present.positions?.[stage.peerId] ?? 0]));
      return { positions, active: new Map(), lost };
    },
    replay: async (plan: Plan, _epoch: number, positions: ReadonlyMap<number, number>, wantedFrom: number) => {
      replays.push(byPeer(plan, ({ lastLayer }) => positions.get(lastLayer + 1) ?? wantedFrom));
      const incomplete = plan.stages.filter(({ peerId }) => present.incomplete?.includes(peerId));
      return { incomplete, lost: present.replayLost ?? [] };
    },
    close: async () => void closed++,
  };
  const abort = new AbortController();
  const recovery = new Recovery(
    { self: 'A', signal: abort.signal, firstToken: 9 },
    {
      chain: chain as unknown as StageChain,
      inbox,
      expect: (plan, epoch) => inbox.expect(plan, epoch),
      network: {
        alive: async (peerId: PeerId) => {
          if (!alive.has(peerId)) throw new Error('not back');
        },
      } as unknown as StageNetwork,
      faults: { blame: (peerId, reason) => void blamed.push([peerId, reason]), nuisance: () => {} },
      replace: (plan, lost) => {
        const free = spares.filter(
          (peerId) => !lost.has(peerId) && !plan.stages.some((stage) => stage.peerId === peerId),
        );
        const peers = plan.stages.map(({ peerId }) => (lost.has(peerId) ? free.shift() : peerId));
        return peers.includes(undefined) ? null : planOf(...(peers as PeerId[]));
      },
      networkChanged: async () => {
        if (++changes === 2) for (const peerId of ['B', 'C', 'D']) alive.add(peerId);
      },
    },
  );
  const recover = (first: LostNode, progress = { frontier: FRONTIER, valid: FRONTIER + 1, epoch: 5 }) =>
    recovery.recover(planOf('B', 'C', 'D'), first, progress);
  return { recovery, recover, inbox, asked, replays, blamed, abort, closed: () => closed };
}

function byPeer(plan: Plan, value: (stage: Plan['stages'][number]) => number): Record<PeerId, number> {
  return Object.fromEntries(plan.stages.map((stage) => [stage.peerId, value(stage)]));
}

test('survivors keep the row that is on its way, the last stage not, and each is told what the next one lacks', async () => {
  const { recover, recovery, asked, replays, blamed } = recovering([{ positions: { B: 21, D: 20 } }]);
  const recovered = await recover(lostNode('C'));
  expect(asked).toEqual([{ plan: 'BXD', epoch: 5, valid: { B: 21, X: 21, D: 20 } }]);
  expect(replays).toEqual([{ B: 0, X: 20, D: 20 }]);
  expect(recovered).toMatchObject({ epoch: 5, start: 21 });
  expect(blamed).toEqual([['C', 'gone']]);
  expect(recovery.failovers([])).toEqual([]);
  recovery.result(performance.now());
  expect(recovery.failovers([])).toMatchObject([
    { peerId: 'C', reason: 'gone', atToken: 11, rowsRecomputed: { B: 0, X: 20, D: 0 } },
  ]);
});

test('while a fallen draft may stand at the frontier, nobody keeps a row there', async () => {
  const { recover, asked } = recovering([{}]);
  await recover(lostNode('C'), { frontier: FRONTIER, valid: FRONTIER, epoch: 5 });
  expect(asked[0]?.valid).toEqual({ B: 20, X: 20, D: 20 });
});

test('a stage whose log does not reach back is fed again from where the next one stands', async () => {
  const { recover, recovery, asked } = recovering([
    { positions: { B: 21, D: 20 }, incomplete: ['B'] },
    { positions: { B: 0, D: 20 } },
  ]);
  const recovered = await recover(lostNode('C'));
  expect(asked.map(({ epoch }) => epoch)).toEqual([5, 6]);
  expect(asked[1]?.valid).toEqual({ B: 0, X: 21, D: 20 });
  expect(recovered).toMatchObject({ epoch: 6, start: 0 });
  recovery.result(performance.now());
  expect(recovery.failovers([])).toMatchObject([{ rowsRecomputed: { B: 20, X: 20, D: 0 } }]);
});

test('nodes that are lost meanwhile are replaced too, each try in an epoch of its own', async () => {
  const { recover, recovery, asked, blamed } = recovering([
    { lost: [lostNode('X', 'silent')] },
    { replayLost: [lostNode('D')] },
    {},
  ]);
  const recovered = await recover(lostNode('C'));
  expect(asked.map(({ plan, epoch }) => `${plan}${epoch}`)).toEqual(['BXD5', 'BYD6', 'BYZ7']);
  expect(recovered.epoch).toBe(7);
  expect(blamed).toEqual([
    ['C', 'gone'],
    ['X', 'silent'],
    ['D', 'gone'],
  ]);
  recovery.result(performance.now());
  expect(recovery.failovers([]).map(({ peerId }) => peerId)).toEqual(['C', 'X', 'D']);
});

test('who falls silent while it is asked is given up at once, for that reason', async () => {
  const { recover, blamed, inbox } = recovering([
    { meanwhile: (box) => box.push({ type: 'lost', lost: lostNode('X', 'silent') }) },
    {},
  ]);
  await recover(lostNode('C'));
  expect(blamed).toEqual([
    ['C', 'gone'],
    ['X', 'silent'],
  ]);
  // What was told of them is dealt with.
  expect(await inbox.next(0, new AbortController().signal)).toEqual({ type: 'late' });
});

describe('when there is nobody else', () => {
  test('a lost node is waited for, and gets its stage again', async () => {
    const { recover, asked } = recovering([{}], []);
    expect((await recover(lostNode('C'))).plan.stages.map(({ peerId }) => peerId).join('')).toBe('BCD');
    expect(asked).toHaveLength(1);
  });

  test.each(['error', 'garbage'] as const)('one that is lost by %s is not', async (reason) => {
    await expect(recovering([], []).recover(lostNode('C', reason))).rejects.toThrow('C is lost');
  });

  test('an answer that is cancelled ends', async () => {
    const { recover, abort } = recovering([], []);
    const recovers = recover(lostNode('C'));
    abort.abort(new Error('enough'));
    await expect(recovers).rejects.toThrow('enough');
  });
});

test('an error that everybody would make ends the answer; so does the seventeenth failover', async () => {
  const final = new InferenceError('ERR_INFERENCE_CAPACITY', 'too long', { kind: 'peer' });
  await expect(recovering([]).recover({ peerId: 'C', reason: 'error', error: final })).rejects.toThrow('too long');
  const { recover } = recovering([]);
  for (let time = 0; time < 16; time++) await recover(lostNode('C'));
  await expect(recover(lostNode('C'))).rejects.toThrow('C is lost');
});

describe('a neighbour that says another one sends garbage', () => {
  const said = (by: PeerId, peerId: PeerId): LostNode => ({ ...lostNode(peerId, 'garbage'), by });

  test('is believed once, and is taken for the liar when it says so of a second one', async () => {
    const { recover, asked, blamed } = recovering([]);
    await recover(said('C', 'B'));
    await recover(said('C', 'D'));
    expect(asked.map(({ plan }) => plan)).toEqual(['XCD', 'BXD']);
    expect(blamed.map(([peerId]) => peerId)).toEqual(['B', 'C']);
  });

  test('is always believed when it is this node', async () => {
    const { recover, blamed } = recovering([]);
    await recover(said('A', 'B'));
    await recover(said('A', 'D'));
    expect(blamed.map(([peerId]) => peerId)).toEqual(['B', 'D']);
  });
});

describe('opening', () => {
  test('begins with the stage that has adopted least, and computes one row at least', async () => {
    const { recovery } = recovering([{ positions: { B: 64, C: 32, D: 64 } }]);
    expect(await recovery.open(planOf('B', 'C', 'D'), [], 70)).toMatchObject({ start: 32 });
    const other = recovering([{ positions: { B: 64, C: 64, D: 64 } }]);
    expect(await other.recovery.open(planOf('B', 'C', 'D'), [], 63)).toMatchObject({ start: 63 });
  });

  test('goes on with other nodes where some refuse, three times at most', async () => {
    const refusal = lostNode('C', 'error', 'ERR_INFERENCE_STAGE');
    const one = recovering([{ lost: [refusal] }, {}]);
    expect((await one.recovery.open(planOf('B', 'C', 'D'), [], 70)).plan.stages[1]?.peerId).toBe('X');
    expect(one.closed()).toBe(1);
    const all = recovering([{ lost: [refusal] }, { lost: [lostNode('X')] }, { lost: [lostNode('Y', 'silent')] }]);
    await expect(all.recovery.open(planOf('B', 'C', 'D'), [], 70)).rejects.toThrow('Y is lost');
    expect(all.closed()).toBe(3);
  });

  test('asks who was only silent again where there is nobody else, and not who refused', async () => {
    const again = recovering([{ lost: [lostNode('C', 'silent')] }, {}], []);
    expect((await again.recovery.open(planOf('B', 'C', 'D'), [], 70)).plan.stages[1]?.peerId).toBe('C');
    const refused = recovering([{ lost: [lostNode('C', 'error')] }, {}], []);
    await expect(refused.recovery.open(planOf('B', 'C', 'D'), [], 70)).rejects.toThrow('C is lost');
  });
});
