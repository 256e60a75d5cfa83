import { randomBytes } from 'node:crypto';
import type { PeerProtocol } from '@blyan/p2p';
import { PROTOCOL_MAJORS } from '@blyan/params';
import { type Plan, planBytes, signPlan } from '@blyan/routing';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Bench, type Daemon } from './daemon.ts';
import { TestPeer } from './peer.ts';

const HIDDEN = 64;
const signal = new AbortController().signal;
const options = { timeoutMs: 30_000, signal };
const anything = { ...options, response: z.unknown() };

let bench: Bench;
let node: Daemon;
let reference: readonly string[];
let peer: Hostile;
beforeAll(async () => {
  bench = await Bench.create();
  await bench.provision('node', 'all');
  node = await bench.start('node', { host: 'all', gateway: true });
  reference = (await node.goldenAnswer('local')).logits;
});
// Each test under an identity of its own: what it did wrong must not refuse the next.
beforeEach(async () => {
  peer = await Hostile.join(node);
});
afterEach(() => peer?.[Symbol.asyncDispose]());
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

/** A member of the network that speaks the inference protocol and says in it what it likes. */
class Hostile implements AsyncDisposable {
  readonly peer: TestPeer;
  readonly protocol: PeerProtocol;
  /** What the node reported or returned to this peer as coordinator. */
  readonly heard: { code?: string; rows?: Uint8Array }[] = [];

  static async join(target: Daemon): Promise<Hostile> {
    const hostile = new Hostile(await TestPeer.ofInvite(target.ready.invite));
    await hostile.peer.join();
    return hostile;
  }

  constructor(peer: TestPeer) {
    this.peer = peer;
    this.protocol = peer.host.protocol('inference', PROTOCOL_MAJORS.inference, { maxFrameBytes: 1 << 24 });
    this.protocol.handle('fail', { request: z.object({ code: z.string() }) }, async ({ code }) => {
      this.heard.push({ code });
      return null;
    });
    this.protocol.handleRaw('step', (rows) => void this.heard.push({ rows: rows.slice() }));
  }

  /** The code of what the node refuses a call with; `null` when it does not. */
  async refusal(call: Promise<unknown>): Promise<string | null> {
    try {
      await call;
      return null;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  raw(method: string, body: Uint8Array): Promise<string | null> {
    return this.refusal(this.protocol.callRaw(node.ready.peerId, method, body, options));
  }

  call(method: string, request: unknown): Promise<string | null> {
    return this.refusal(this.protocol.call(node.ready.peerId, method, request, anything));
  }

  notify(body: Uint8Array): Promise<void> {
    return this.protocol.notifyRaw(node.ready.peerId, 'step', body);
  }

  /** A plan that has the node compute everything, signed. */
  plan(change: Partial<Plan> = {}): { plan: Uint8Array; signature: Uint8Array } {
    const { peerId } = node.ready;
    const plan: Plan = {
      type: 'pipeline',
      modelRoot: bench.manifest.root,
      profile: 'any',
      mixedProfile: false,
      embedding: peerId,
      head: peerId,
      stages: [{ peerId, firstLayer: 0, lastLayer: 2 }],
      experts: Array.from({ length: 3 }, () => Array.from({ length: 8 }, () => [peerId])),
      fallbackOrder: [],
      ...change,
    };
    const { signature } = signPlan(plan, this.peer.seed);
    return { plan: planBytes(plan), signature: signature as Uint8Array };
  }

  async open(capacity = 64): Promise<{ requestId: string; refused: string | null }> {
    const requestId = randomBytes(16).toString('hex');
    return { requestId, refused: await this.call('open', { ...opening(requestId, capacity), ...this.plan() }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer[Symbol.asyncDispose]();
  }
}

/** Words little-endian, then rows. */
const frame = (words: readonly number[], rows = new Float32Array()) =>
  new Uint8Array(Buffer.concat([Buffer.from(Uint32Array.from(words).buffer), Buffer.from(rows.buffer)]));
const wordsOf = (hex: string) =>
  Array.from({ length: hex.length / 8 }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16));
const stepFrame = (requestId: string, position: number, rows: Float32Array<ArrayBuffer>, wanted = 1) =>
  frame([0x32505453, 0, 1, position, wanted, ...wordsOf(requestId)], rows);
const opening = (requestId: string, capacity: number) => ({
  ...{ requestId, layer: 0, epoch: 0, capacity, valid: 0, keys: [] },
});
const expertsFrame = (layer: number, groups: readonly number[][], rows: Float32Array<ArrayBuffer>) => {
  const words = [...wordsOf(bench.manifest.root), 0x31505845, layer, groups.length, ...groups.flat()];
  return frame([words.length + 1, ...words], rows);
};
const zeros = (rows: number) => new Float32Array(rows * HIDDEN);

async function faultsOf({ peer: { host } }: Hostile) {
  const { nodes, outcasts } = await node.state();
  return [...nodes, ...outcasts].find(({ peerId }) => peerId === host.peerId)?.faults;
}

async function stillRight(): Promise<void> {
  expect((await node.goldenAnswer('local')).logits).toEqual(reference);
}

describe('a member of the network that talks nonsense is answered with an error, and nobody else suffers', () => {
  test('random bytes in every method that takes bytes', async () => {
    const bodies = fc.sample(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.string().map((text) => Buffer.from(text)),
      ),
      60,
    );
    for (const method of ['experts', 'embed']) {
      const codes = new Set(await Promise.all(bodies.map((body) => peer.raw(method, new Uint8Array(body)))));
      expect([...codes]).toEqual(['ERR_INFERENCE_FRAME']);
    }
    for (const body of bodies) await peer.notify(new Uint8Array(body));
    await stillRight();
  });

  test.each([
    ['that mean nothing', 'ERR_INFERENCE_FRAME', () => new Uint8Array(64)],
    [
      'of requests nobody opened',
      'ERR_INFERENCE_SEQUENCE_UNKNOWN',
      () => stepFrame(randomBytes(16).toString('hex'), 0, zeros(1)),
    ],
  ])('a flood of steps %s: cut off, named, and refused when it comes again', async (_name, code, step) => {
    const flood = async () => {
      for (let i = 0; i < 100_000; i++) await peer.notify(step());
    };
    await expect(flood()).rejects.toMatchObject({ kind: 'peer' });
    await stillRight();
    expect(await faultsOf(peer)).toMatchObject({ refused: true, last: { code } });
    await expect(peer.notify(new Uint8Array(64))).rejects.toMatchObject({ kind: 'peer' });
  });

  test('messages of the wrong form', async () => {
    const requests = fc.sample(fc.jsonValue(), 20);
    for (const method of ['open', 'close', 'fail', 'sample', 'generate']) {
      const codes = new Set(await Promise.all(requests.map((request) => peer.call(method, request))));
      expect([...codes], method).toEqual(['ERR_P2P_BAD_REQUEST']);
    }
    expect(await peer.call('shutdown', {})).toBe('ERR_P2P_UNKNOWN_METHOD');
    await stillRight();
  });

  test('expert calls that the model cannot have', async () => {
    const huge = Array.from({ length: 8 }, (_, expert) => [expert, 500, ...new Array(500).fill(0)]);
    for (const body of [
      expertsFrame(7, [[0, 1, 0]], zeros(1)),
      expertsFrame(0, [[99, 1, 0]], zeros(1)),
      expertsFrame(0, [[0, 1, 1]], zeros(1)),
      expertsFrame(0, [[0, 1, 0]], new Float32Array(HIDDEN + 1)),
      expertsFrame(0, huge, zeros(1)),
    ]) {
      expect(await peer.raw('experts', body)).toBe('ERR_INFERENCE_RANGE');
    }
    await stillRight();
  });

  test('embedding and head', async () => {
    const { root: modelRoot } = bench.manifest;
    const embed = (request: unknown) => peer.raw('embed', Buffer.from(JSON.stringify(request)));
    expect(await embed({ modelRoot, tokens: [300] })).toBe('ERR_INFERENCE_RANGE');
    expect(await embed({ modelRoot: 'x', tokens: [1] })).toBe('ERR_INFERENCE_RANGE');
    expect(await embed({ modelRoot, tokens: new Array(10_000).fill(1) })).toBe('ERR_INFERENCE_FRAME');
    const spec = { params: { temperature: 0, topK: 0, topP: 1, seed: 0 } };
    const sample = (hidden: Uint8Array) => peer.call('sample', { modelRoot, hidden, position: 1, spec });
    expect(await sample(new Uint8Array(7))).toBe('ERR_INFERENCE_FRAME');
    expect(await sample(new Uint8Array(8))).toBe('ERR_INFERENCE_RANGE');
    expect(await sample(new Uint8Array(new Float32Array(HIDDEN).fill(Number.NaN).buffer))).toBe(
      'ERR_INFERENCE_NOT_FINITE',
    );
    await stillRight();
  });

  test('plans that are not signed, not for this node, or not of this model', async () => {
    const requestId = randomBytes(16).toString('hex');
    const open = (plan: object) => peer.call('open', { ...opening(requestId, 64), ...peer.plan(), ...plan });
    expect(await open({ signature: new Uint8Array(64) })).toBe('ERR_INFERENCE_PLAN');
    expect(await open({ plan: randomBytes(200) })).toMatch(/^ERR_ROUTING_/);
    expect(await open({ layer: 3 })).toBe('ERR_INFERENCE_PLAN');
    expect(await open(peer.plan({ modelRoot: 'a'.repeat(64) }))).toBe('ERR_INFERENCE_PLAN');
    expect(await open(peer.plan({ experts: [[]] }))).toMatch(/^ERR_(INFERENCE|ROUTING)_PLAN/);
    expect(await open({ capacity: 1_000_000 })).toBe('ERR_INFERENCE_RANGE');
    expect(await peer.call('close', { requestId, layer: 0, keys: [] })).toBeNull();
    await stillRight();
  });

  test('garbage in steps of its own request: refused after a few', async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => peer.open()));
    for (const { requestId } of opened) await peer.notify(stepFrame(requestId, 0, zeros(1).fill(Number.NaN)));
    await expect.poll(async () => (await faultsOf(peer))?.refused).toBe(true);
    expect(await faultsOf(peer)).toMatchObject({ last: { code: 'ERR_INFERENCE_NOT_FINITE' } });
    await stillRight();
  });

  test('steps that do not fit their sequence', async () => {
    // Each by a peer of its own: a few of them, and a peer is refused.
    const failures = async (body: (requestId: string) => Uint8Array) => {
      await using stranger = await Hostile.join(node);
      const { requestId, refused } = await stranger.open();
      expect(refused).toBeNull();
      await stranger.notify(body(requestId));
      await vi.waitFor(() => expect(stranger.heard).not.toEqual([]), { timeout: 20_000 });
      await stranger.call('close', { requestId, layer: 0, keys: [] });
      return stranger.heard[0]?.code;
    };
    expect(await failures((id) => stepFrame(id, 5, zeros(1)))).toBe('ERR_INFERENCE_POSITION');
    expect(await failures((id) => stepFrame(id, 0, new Float32Array(HIDDEN + 1)))).toBe('ERR_INFERENCE_RANGE');
    expect(await failures((id) => stepFrame(id, 0, new Float32Array()))).toBe('ERR_INFERENCE_RANGE');
    expect(await failures((id) => stepFrame(id, 0, zeros(65)))).toBe('ERR_INFERENCE_CAPACITY');
    expect(await failures((id) => stepFrame(id, 0, zeros(5_000)))).toBe('ERR_INFERENCE_CAPACITY');
    expect(await failures((id) => stepFrame(id, 0, zeros(1).fill(Number.NaN)))).toBe('ERR_INFERENCE_NOT_FINITE');
    await stillRight();
  });
});

test('a thousand sequences: bounded, the rest told to come later, all freed when the peer leaves', async () => {
  const opened = await Promise.all(Array.from({ length: 1000 }, () => peer.open()));
  const accepted = opened.filter(({ refused }) => refused === null);
  expect(accepted).toHaveLength(128);
  expect(new Set(opened.map(({ refused }) => refused))).toEqual(new Set([null, 'ERR_INFERENCE_BUSY']));
  await stillRight();
  await peer[Symbol.asyncDispose]();
  await vi.waitFor(
    async () => {
      const { nodes } = await node.state();
      expect(nodes.find(({ self }) => self)?.active).toBe(0);
    },
    { timeout: 20_000, interval: 100 },
  );
  await stillRight();
});
