import type { StateAnswer } from '@blyan/api';
import { decodeInvite, Link } from '@blyan/p2p';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench, type Daemon } from './daemon.ts';
import { type Lie, type LyingHolder, lyingHolder } from './lying-holder.ts';

const TRUNK = 'embedding,trunk,head';
const EXPERTS = 'experts:*.0-7';
const PROMPT = [10, 20, 30, 40];
const COUNT = 300;

/** A coordinator with every trunk, and two nodes that each hold every expert. */
let bench: Bench;
let coordinator: Daemon;
let holders: Daemon[];
let way: string;
let reference: readonly string[];
let wanted: readonly number[];
/** What the holders reach the coordinator through. */
let link: Link;

const HOLDERS = ['one', 'two'] as const;
const holder = (index: number) => holders[index] as Daemon;
const startHolder = (name: string) => bench.start(name, { host: EXPERTS, bootstrap: [way], gateway: false });
/** Plans take nodes that were reached, that the chain knows, and that say what they host. */
const isUsable = ({ rttMs, registered, hosted }: StateAnswer['nodes'][number]) =>
  rttMs !== null && registered !== false && hosted.blocks > 0;
const untilReachable = (count: number) => coordinator.untilState(({ nodes }) => nodes.filter(isUsable).length >= count);

beforeAll(async () => {
  bench = await Bench.create();
  await bench.provision('trunk', TRUNK);
  for (const name of HOLDERS) await bench.provision(name, EXPERTS);
  coordinator = await bench.start('trunk', { host: TRUNK, gateway: true });
  const { addresses } = decodeInvite(coordinator.ready.invite);
  const [, port, peerId] = /tcp\/(\d+)\/p2p\/(\w+)/.exec(addresses[0] as string) as unknown as string[];
  link = new Link({ targetHost: '127.0.0.1', targetPort: Number(port) });
  way = `/ip4/127.0.0.1/tcp/${await link.listen()}/p2p/${peerId}`;
  holders = await Promise.all(HOLDERS.map(startHolder));
  await untilReachable(3);
  reference = (await coordinator.goldenAnswer('dynamic')).logits;
  wanted = await answer();
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  await link?.close();
});

/** A long answer; `midway` runs when ten tokens have come. */
async function answer(midway?: () => Promise<void> | void): Promise<number[]> {
  const body = { prompt: PROMPT, max_tokens: COUNT, temperature: 0, ignore_eos: true };
  const tokens: number[] = [];
  for await (const token of coordinator.tokens({ ...body, blyan: { plan: 'dynamic', return_token_ids: true } })) {
    if (tokens.push(token) === 10) await midway?.();
  }
  return tokens;
}

const faultsOf = async (peerId: string) => {
  const { nodes, outcasts } = await coordinator.state();
  return [...nodes, ...outcasts].find((peer) => peer.peerId === peerId)?.faults;
};

describe('a member that says it holds every expert, faster than anybody', () => {
  const floats = (body: Uint8Array) => new Float32Array(body.buffer, body.byteOffset + 8, (body.byteLength - 8) / 4);
  const lies: [string, Lie, string][] = [
    [
      'and sends NaN',
      (right) => {
        floats(right).fill(Number.NaN, 0, 1);
        return right;
      },
      'ERR_INFERENCE_NOT_FINITE',
    ],
    ['and sends a row too few', (right) => right.subarray(0, right.byteLength - 4 * 64), 'ERR_INFERENCE_FRAME'],
    ['and sends nonsense', () => Buffer.from('nonsense'), 'ERR_INFERENCE_FRAME'],
    ['and never answers', () => new Promise<never>(() => {}), 'ERR_INFERENCE_DEADLINE'],
  ];
  test.each(lies)('%s: found out, named, and the answer is the same to the bit', async (_name, lie, code) => {
    await using liar: LyingHolder = await lyingHolder(bench, coordinator, holder(0), lie);
    const isSeen = (node: StateAnswer['nodes'][number]) => node.peerId === liar.peerId && isUsable(node);
    await coordinator.untilState(({ nodes }) => nodes.some(isSeen));
    // The way to the honest ones gets long, so that whoever says to be fast is preferred however busy this process is.
    link.set({ delayMs: 20 });
    for (let round = 0; (await faultsOf(liar.peerId))?.last === null; round++) {
      expect((await coordinator.goldenAnswer('dynamic')).logits).toEqual(reference);
      if (round > 20) throw new Error(`Not found out in ${liar.calls} calls.`);
    }
    link.set({ delayMs: 0 });
    expect(liar.calls).toBeGreaterThan(0);
    expect(await faultsOf(liar.peerId)).toMatchObject({ last: { code } });
    expect(await answer()).toEqual(wanted);
  });
});

test('a holder that is suspended in mid-answer costs no token', async () => {
  // Which of the two is asked is the coordinator's choice: each hangs in turn, until it is one that was needed.
  for (let round = 0; ; round++) {
    expect(round, 'rounds without a fault').toBeLessThan(6);
    const { program, ready } = holder(round % 2);
    const got = await answer(() => program.kill('SIGSTOP'));
    // That it hangs, and does not only compute, may be known after the answer.
    const isMissed = await expect
      .poll(async () => (await faultsOf(ready.peerId))?.last?.code, { timeout: 4_000 })
      .toBe('ERR_P2P_TIMEOUT')
      .then(
        () => true,
        () => false,
      );
    program.kill('SIGCONT');
    expect(got).toEqual(wanted);
    if (isMissed) return;
  }
});

test('a holder that is killed in mid-answer costs no token, and is used again when it is back', async () => {
  const got = await answer(async () => {
    holder(1).program.kill('SIGKILL');
    await holder(1).program.exited;
  });
  expect(got).toEqual(wanted);
  holders[1] = await startHolder('two');
  await untilReachable(3);
  expect(await answer()).toEqual(wanted);
});

test('the only holder of experts is waited for when it is restarted in mid-answer', async () => {
  await holder(0).program.stop();
  const got = await answer(async () => {
    holder(1).program.kill('SIGKILL');
    await holder(1).program.exited;
    holders[1] = await startHolder('two');
  });
  expect(got).toEqual(wanted);
});
