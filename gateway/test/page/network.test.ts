import { expect, test } from 'vitest';
import { coverageOf, type NodeState } from '../../web/src/network/coverage.ts';
import { departuresOf } from '../../web/src/network/departures.ts';
import { networkSums } from '../../web/src/network/network-sums.ts';
import { listedNodes, standingOf } from '../../web/src/network/node-standing.ts';
import { TOPOLOGY, topologyOf } from '../../web/src/network/topology.ts';
import type { Conversation } from '../../web/src/pages/chat/conversation.ts';
import { partInAnswers } from '../../web/src/pages/node/part-in-answers.ts';

const ROOT = 'a1'.repeat(32);
const nobody = { points: 0, last: null, refused: false };

function nodeOf(peerId: string, change: Partial<NodeState> = {}, hosted: Partial<NodeState['hosted']> = {}): NodeState {
  return {
    ...{ peerId, publicKey: '', self: false, reachable: true, version: '0.1.0', host: 'auto', tier: 0 },
    ...{ profile: 'cpu', rttMs: 1, addresses: [], active: 0, queued: 0, freeKvBytes: 10, gateway: false },
    speed: { stepUs: 0, expertUs: 0, prefillRowUs: 0, bandwidthMBps: 0 },
    ...{ slowness: 1, expiresInMs: 1, faults: nobody },
    hosted: { root: ROOT, layers: [], experts: [], embedding: false, head: false, blocks: 0, ...hosted },
    ...change,
  };
}
const model = (missing: string[] = []) => ({
  name: 'm',
  root: ROOT,
  covered: missing.length === 0,
  blocks: 9,
  missing,
});

test('coverage counts the holders of every part, also of those that only the gaps tell of', () => {
  const nodes = [
    nodeOf('a', {}, { layers: [0, 1], experts: ['0.0', '0.1', '1.0'], embedding: true, head: true }),
    nodeOf('b', {}, { layers: [1], experts: ['0.0', '1.0'] }),
    // Another version of the model: nothing of it counts for this one.
    nodeOf('c', {}, { root: 'ff'.repeat(32), layers: [0, 1, 2, 3], experts: ['0.0'], head: true }),
  ];
  expect(coverageOf(nodes, model(['expert:1.2', 'trunk:2', 'embedding']))).toEqual({
    ...{ embedding: ['a'], head: ['a'], expertCount: 3, least: 0, weakest: 3 },
    layers: [
      { layer: 0, trunk: ['a'], experts: [['a', 'b'], ['a']] },
      { layer: 1, trunk: ['a', 'b'], experts: [['a', 'b'], [], []] },
      { layer: 2, trunk: [], experts: [] },
    ],
  });
  expect(coverageOf(nodes.slice(0, 1), model())).toMatchObject({ least: 1, weakest: 7 });
  expect(coverageOf([], model())).toMatchObject({ layers: [], least: 0, weakest: 0 });
});

test('distances are drawn in proportion to their logarithm, and what has none stands outside', () => {
  const far = Array.from({ length: 30 }, (_, at) => nodeOf(`n${at}`, { rttMs: at * 5 }));
  const nodes = [nodeOf('self', { self: true, rttMs: 0 }), ...far, nodeOf('off', { reachable: false, rttMs: 2 })];
  const { dots, rings } = topologyOf(nodes);
  const middle = TOPOLOGY.size / 2;
  const radius = (peerId: string) => {
    const { x, y } = dots.find((dot) => dot.peerId === peerId) as (typeof dots)[number];
    return Math.hypot(x - middle, y - middle);
  };
  expect(dots).toHaveLength(31);
  expect(rings.map(({ ms }) => ms)).toEqual([1, 10, 100, 1000]);
  expect(rings.at(-1)?.radius).toBeCloseTo(TOPOLOGY.farthest);
  expect(radius('n2')).toBeCloseTo(rings[1]?.radius as number);
  for (let at = 1; at < far.length; at++) expect(radius(`n${at}`)).toBeGreaterThan(radius(`n${at - 1}`));
  expect(radius('off')).toBeCloseTo(TOPOLOGY.beyond);
  expect(dots.find(({ peerId }) => peerId === 'off')).toMatchObject({ isLinked: false, name: null });
  expect(topologyOf(nodes.slice(0, 3)).dots[0]?.name).not.toBeNull();
  expect(topologyOf([])).toEqual({ dots: [], rings: [{ ms: 1, radius: TOPOLOGY.farthest }] });
});

test('nodes are judged by the worst that applies, listed in the order asked for, and found by their texts', () => {
  const last = { code: 'ERR_X', atMs: 0 };
  const nodes = [
    nodeOf('good', { rttMs: 9 }),
    nodeOf('refused', { faults: { points: 130, last, refused: true }, reachable: false, rttMs: 1 }),
    nodeOf('faulty', { faults: { points: 3, last, refused: false }, slowness: 9, rttMs: null }),
    nodeOf('unreachable', { reachable: false, rttMs: 1 }, { blocks: 5 }),
    nodeOf('unregistered', { registered: false, rttMs: 2, active: 1 }),
    nodeOf('slow', { slowness: 2.5, rttMs: 3, queued: 4, profile: 'CPU-avx2' }),
  ];
  for (const node of nodes) expect(standingOf(node)).toBe(node.peerId);
  const order = (...args: [Parameters<typeof listedNodes>[1], string?]) =>
    listedNodes(nodes, args[0], args[1] ?? '').map(({ peerId }) => peerId);
  expect(order('distance')).toEqual(['unregistered', 'slow', 'good', 'faulty', 'refused', 'unreachable']);
  expect(order('standing')).toEqual(['refused', 'unregistered', 'unreachable', 'faulty', 'slow', 'good']);
  expect(order('load').slice(0, 2)).toEqual(['slow', 'unregistered']);
  expect(order('hosted')[0]).toBe('unreachable');
  expect(order('distance', ' avx2')).toEqual(['slow']);
  expect(order('distance', 'UNRE')).toEqual(['unregistered', 'unreachable']);
});

test('sums are over all nodes, kinds are counted', () => {
  const nodes = [
    nodeOf('a', { self: true, gateway: true, active: 2, profile: 'x', tier: 3 }),
    nodeOf('b', { active: 1, queued: 5, faults: { points: 3, last: null, refused: false } }),
    nodeOf('c', { reachable: false, faults: { points: 120, last: null, refused: true } }),
  ];
  expect(networkSums(nodes)).toEqual({
    ...{ nodes: 3, reachable: 2, gateways: 1, active: 3, queued: 5, freeKvBytes: 30, faulty: 2, refused: 1 },
    profiles: [
      ['cpu', 2],
      ['x', 1],
    ],
    tiers: [
      [0, 2],
      [3, 1],
    ],
  });
});

test('a node that disappears is said to be gone until it is back; few are remembered', () => {
  const [a, b] = [nodeOf('a'), nodeOf('b')];
  const gone = departuresOf([], [a, b], [a], 5);
  expect(gone).toEqual([{ peerId: 'b', atMs: 5 }]);
  expect(departuresOf(gone, [a], [a], 6)).toBe(gone);
  expect(departuresOf(gone, [a], [a, b], 7)).toEqual([]);
  const many = Array.from({ length: 20 }, (_, at) => nodeOf(`n${at}`));
  expect(departuresOf(gone, many, [], 8)).toHaveLength(8);
});

test('what a node did is summed over the answers that are kept', () => {
  const report = {
    route: [
      { peerId: 'a', role: 'stage' as const, calls: 5, ms: 10 },
      { peerId: 'b', role: 'experts' as const, calls: 7, ms: 3 },
    ],
    failovers: [{ peerId: 'b', atToken: 1, gapMs: 2, reason: 'gone' as const, rowsRecomputed: {} }],
  };
  const settings = { model: 'm', plan: 'auto' as const, temperature: 0, remembers: false };
  const answer = { role: 'answer' as const, parent: 'q', text: '', status: 'done' as const, settings };
  const conversation = (id: string): Conversation => ({
    ...{ id, title: '', updatedAt: 0, leaf: null },
    messages: [
      { role: 'question', id: 'q', parent: null, text: '' },
      { ...answer, id: '1', report: report as never },
      { ...answer, id: '2' },
    ],
  });
  const kept = [conversation('x'), conversation('y')];
  expect(partInAnswers('a', kept)).toEqual({ roles: [{ role: 'stage', answers: 2, calls: 10, ms: 20 }], lost: 0 });
  expect(partInAnswers('b', kept)).toEqual({ roles: [{ role: 'experts', answers: 2, calls: 14, ms: 6 }], lost: 2 });
  expect(partInAnswers('c', kept)).toEqual({ roles: [], lost: 0 });
});
