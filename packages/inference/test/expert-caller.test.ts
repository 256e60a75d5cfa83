import { P2pError, RemoteError } from '@blyan/p2p';
import { describe, expect, test } from 'vitest';
import { type Behaviour, callOf, ExpertNetwork, gone, HIDDEN, never, right } from './expert-network.ts';

const peersAsked = (network: ExpertNetwork) => network.asked.map(({ peerId }) => peerId);
/** Makes the experts of a holder warm, so that their next call is hedged without an allowance for loading. */
const warm = (network: ExpertNetwork, ...holders: string[]) =>
  Promise.all(holders.map((holder) => network.ask([[holder], [holder], [holder], [holder]])));

describe('one call per holder and layer', () => {
  test('all holders at once, each row once, outputs in the order of the groups', async () => {
    const network = new ExpertNetwork();
    await network.ask([['a'], ['b'], ['a'], ['self', 'b']]);
    expect(peersAsked(network).sort()).toEqual(['a', 'b']);
    const groups = network.asked.map(({ frame }) => frame.groups.map(({ expert }) => expert));
    expect(groups).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(network.asked[0]?.frame.rows).toHaveLength(2 * HIDDEN);
  });

  test('near replicas share the experts of a layer, and an expert stays where it was', async () => {
    const network = new ExpertNetwork();
    const both = [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'b'],
      ['b', 'a'],
    ];
    await network.ask(both);
    await network.ask(both);
    const groups = network.asked.map(({ peerId, frame }) => [peerId, ...frame.groups.map(({ expert }) => expert)]);
    expect(groups).toEqual([
      ['a', 0, 2],
      ['b', 1, 3],
      ['a', 0, 2],
      ['b', 1, 3],
    ]);
  });
});

describe('a holder that is lost', () => {
  test('is replaced at once by the next of the plan, blamed, reported, and not asked again', async () => {
    const network = new ExpertNetwork();
    network.behaviours.set('a', gone);
    network.live = ['b'];
    await network.ask([['a'], ['a'], ['a']]);
    expect(network.health.state('a')).toBe('open');
    // Two rows, whatever the number of experts.
    expect(network.replaced).toMatchObject([{ peerId: 'a', by: 'b', rows: 2 }]);
    expect(new Set(network.replaced.map(({ peerId, reason }) => `${peerId} ${reason}`))).toEqual(new Set(['a gone']));
    expect(network.penalties.every(({ points }) => points === 0)).toBe(true);
    network.asked.length = 0;
    await network.ask([['a', 'b']]);
    expect(peersAsked(network)).toEqual(['b']);
  });

  test('without another in the plan: whoever holds the expert now', async () => {
    const network = new ExpertNetwork();
    network.behaviours.set('a', gone);
    network.live = ['self', 'a', 'newcomer'];
    await network.ask([['a']]);
    expect(peersAsked(network)).toEqual(['a', 'newcomer']);
  });

  test('without any other: its return is waited for, and no expert is left out', async () => {
    const network = new ExpertNetwork();
    network.behaviours.set('a', gone);
    const answer = network.ask([['a'], ['b']]);
    await expect.poll(() => network.isWaiting).toBe(true);
    // News of others do not help.
    network.changed();
    await expect.poll(() => network.isWaiting).toBe(true);
    expect(peersAsked(network)).toEqual(['a', 'b']);
    network.behaviours.delete('a');
    network.health.returned('a');
    network.changed();
    await answer;
    expect(peersAsked(network)).toEqual(['a', 'b', 'a']);
    expect(network.replaced).toMatchObject([{ peerId: 'a', reason: 'gone', rows: 2 }]);
  });

  test('that does not come back in time: an error that names what is missing', async () => {
    const network = new ExpertNetwork();
    network.behaviours.set('a', gone);
    const answer = network.ask([['b'], ['a']]);
    await expect.poll(() => network.isWaiting).toBe(true);
    network.skippedMs = 31_000;
    network.changed();
    const error = {
      code: 'ERR_INFERENCE_MISSING_BLOCKS',
      meta: { missing: ['expert:0.1'], code: 'ERR_P2P_PEER_GONE' },
    };
    await expect(answer).rejects.toMatchObject(error);
  });

  test('an error is not waited for, when nobody else has the expert', async () => {
    const network = new ExpertNetwork();
    network.behaviours.set('a', async () => {
      throw new RemoteError('a', 'ERR_STORE_CORRUPT', 'damaged', { root: 'ab'.repeat(32) });
    });
    const error = { code: 'ERR_INFERENCE_MISSING_BLOCKS', meta: { root: 'ab'.repeat(32) } };
    await expect(network.ask([['a']])).rejects.toMatchObject(error);
    expect(network.isWaiting).toBe(false);
  });

  test('a busy one is asked again later, and not blamed', async () => {
    const network = new ExpertNetwork();
    const busy: Behaviour = async () => {
      throw new RemoteError('a', 'ERR_P2P_BUSY', 'busy', {});
    };
    network.behaviours.set('a', busy);
    const answer = network.ask([['a']]);
    await expect.poll(() => network.isWaiting).toBe(true);
    network.behaviours.delete('a');
    network.changed();
    await answer;
    expect(network.health.state('a')).toBe('closed');
    expect(network.replaced).toEqual([]);
  });

  test('what this node does wrong ends the call without blame', async () => {
    const network = new ExpertNetwork();
    network.behaviours.set('a', async () => {
      throw new P2pError('ERR_P2P_FRAME_TOO_LARGE', 'large', { kind: 'caller' });
    });
    await expect(network.ask([['a', 'b']])).rejects.toMatchObject({ code: 'ERR_P2P_FRAME_TOO_LARGE' });
    expect(network.penalties).toEqual([]);
  });
});

describe('garbage', () => {
  const garbage: [string, Behaviour, string][] = [
    ['NaN', async (asked) => (await right(asked)).fill(Number.NaN, 3, 4), 'ERR_INFERENCE_NOT_FINITE'],
    ['infinity', async (asked) => (await right(asked)).fill(-Infinity, 0, 1), 'ERR_INFERENCE_NOT_FINITE'],
    ['a row too few', async (asked) => (await right(asked)).slice(HIDDEN), 'ERR_INFERENCE_FRAME'],
    ['a row too many', async () => new Float32Array(3 * HIDDEN), 'ERR_INFERENCE_FRAME'],
    ['nothing', async () => new Float32Array(), 'ERR_INFERENCE_FRAME'],
  ];
  test.each(garbage)('%s: the next holder answers, the liar pays', async (_name, behaviour, code) => {
    const network = new ExpertNetwork();
    network.behaviours.set('a', behaviour);
    await expect(network.ask([['a']])).rejects.toMatchObject({ code: 'ERR_INFERENCE_MISSING_BLOCKS' });
    expect(network.penalties).toEqual([{ peerId: 'a', points: 25, code }]);
    expect(network.health.usable('a')).toBe(false);
    await network.ask([['a', 'b']]);
    expect(peersAsked(network)).toEqual(['a', 'b']);
  });

  test('NaN out of NaN is nobody’s fault', async () => {
    const network = new ExpertNetwork();
    const call = { ...callOf(1), rows: new Float32Array(2 * HIDDEN).fill(Number.NaN) };
    const [output] = await network.caller.call(network.context([['a']]), call);
    expect(output?.every(Number.isNaN)).toBe(true);
    expect(network.penalties).toEqual([]);
  });
});

describe('a holder that is late', () => {
  test('the next is asked beside it, the first answer counts, the other call is given up', async () => {
    const network = new ExpertNetwork();
    await warm(network, 'a', 'b');
    network.asked.length = 0;
    network.behaviours.set('a', never);
    await network.ask([['a', 'b']]);
    expect(peersAsked(network)).toEqual(['a', 'b']);
    expect(network.asked.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    // It is alive, and once is no habit.
    expect(network.pings).toEqual(['a']);
    expect(network.health.state('a')).toBe('closed');
    expect(network.replaced).toEqual([]);
    // But others are preferred for a moment.
    await network.ask([['a', 'b']]);
    expect(peersAsked(network)).toEqual(['a', 'b', 'b']);
  });

  test('and hangs: silent, reported even when that is found out after the answer', async () => {
    const network = new ExpertNetwork();
    await warm(network, 'a', 'b');
    network.behaviours.set('a', never);
    network.hanging.add('a');
    await network.ask([['a', 'b']]);
    await expect.poll(() => network.replaced).toMatchObject([{ peerId: 'a', reason: 'silent', rows: 2 }]);
    expect(network.health.state('a')).toBe('open');
  });

  test('and has never answered: slow at once', async () => {
    const network = new ExpertNetwork();
    await warm(network, 'b');
    network.behaviours.set('a', never);
    await network.ask([['a', 'b']]);
    expect(network.replaced).toMatchObject([{ peerId: 'a', reason: 'slow' }]);
  });

  test('again and again: slow', async () => {
    const network = new ExpertNetwork();
    await warm(network, 'a', 'b');
    network.behaviours.set('a', never);
    for (let i = 0; i < 3; i++) {
      // What was learned is stale, and it is not suspected any more.
      network.skippedMs += 61_000;
      expect(network.health.state('a')).toBe('closed');
      await network.ask([['a', 'b']]);
    }
    expect(network.health.state('a')).toBe('open');
    expect(network.replaced).toMatchObject(new Array(3).fill({ peerId: 'a', reason: 'slow', rows: 2 }));
    expect(network.penalties).toMatchObject([{ peerId: 'a', code: 'ERR_INFERENCE_DEADLINE' }]);
  });

  test('without another holder: it is waited for, its late answer counts', async () => {
    const network = new ExpertNetwork();
    await warm(network, 'a');
    network.hanging.add('a');
    const late = Promise.withResolvers<void>();
    network.behaviours.set('a', async (asked) => {
      await late.promise;
      return right(asked);
    });
    const answer = network.ask([['a']]);
    await expect.poll(() => network.health.state('a')).toBe('open');
    late.resolve();
    await answer;
    expect(network.asked).toHaveLength(2);
    expect(network.replaced).toEqual([]);
  });

  test('and silent: a holder that comes meanwhile takes over', async () => {
    const network = new ExpertNetwork();
    await warm(network, 'a');
    network.hanging.add('a');
    network.behaviours.set('a', never);
    const answer = network.ask([['a']]);
    await expect.poll(() => network.isWaiting).toBe(true);
    network.live = ['newcomer'];
    network.changed();
    await answer;
    expect(network.replaced).toMatchObject([{ peerId: 'a', reason: 'silent' }]);
  });

  test('no hedge without budget', async () => {
    const network = new ExpertNetwork({ burst: 0, perRequest: 0, perSecond: 0.001 });
    await warm(network, 'a', 'b');
    network.asked.length = 0;
    network.behaviours.set('a', never);
    const answer = network.ask([['a', 'b']]);
    await expect.poll(() => network.pings).toEqual(['a']);
    expect(peersAsked(network)).toEqual(['a']);
    network.abort.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
  });
});

test('cancelling gives every call up', async () => {
  const network = new ExpertNetwork();
  network.behaviours.set('a', never).set('b', never);
  const answer = network.ask([['a'], ['b']]);
  network.abort.abort(new Error('cancelled'));
  await expect(answer).rejects.toThrow('cancelled');
  expect(network.asked.map(({ signal }) => signal.aborted)).toEqual([true, true]);
});

test('cancelling ends the wait for a return', async () => {
  const network = new ExpertNetwork();
  network.behaviours.set('a', gone);
  const answer = network.ask([['a']]);
  await expect.poll(() => network.isWaiting).toBe(true);
  network.abort.abort(new Error('cancelled'));
  await expect(answer).rejects.toThrow('cancelled');
});
