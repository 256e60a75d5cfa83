import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Link } from '@blyan/p2p';
import { ChainProcesses, type ValidatorProcess } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

let dir: string;
let chain: ChainProcesses;
let total = 0;
const node = (i: number): ValidatorProcess => chain.nodes[i] as ValidatorProcess;
const link = (i: number): Link => chain.links[i] as Link;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'chain-'));
  chain = await ChainProcesses.start({ dir, validators: 4, authors: 4, deltaMs: 100, blockIntervalMs: 50 });
  for (const each of chain.nodes) await reported(each, ({ peers }) => peers === 3);
});
afterAll(async () => {
  await chain?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

/** Asks until it is so. */
async function reported(
  of: ValidatorProcess,
  isSo: (report: Awaited<ReturnType<ValidatorProcess['report']>>) => boolean,
) {
  for (;;) {
    const report = await of.report();
    if (isSo(report)) return report;
  }
}

/** Hands records to one validator, and waits until others have made all so far final. */
async function finalise(through: number, among: readonly number[], count = 8): Promise<void> {
  expect(await node(through).submit(chain.transfers(count))).toEqual([]);
  total += count;
  await reach(among);
}

async function reach(among: readonly number[]): Promise<void> {
  for (const i of among) await node(i).until(({ records }) => records === total);
}

test('four validators make records final; one killed, cut off or slow, and the others go on', async () => {
  await finalise(0, [0, 1, 2, 3]);

  await node(3).kill();
  await finalise(1, [0, 1, 2]);
  await chain.restart(3);
  await reach([3]);

  link(0).stall();
  await finalise(1, [1, 2, 3]);
  link(0).resume();
  await reach([0]);

  link(1).set({ delayMs: 1_500 });
  await finalise(2, [0, 2, 3]);
  link(1).set({ delayMs: 0 });
  await reach([1]);
});

test('two of four gone stops finality and loses nothing; healed, it goes on, with a liar among them', async () => {
  await node(3).kill();
  await node(0).kill();
  const before = await node(1).report();
  expect(await node(1).submit(chain.transfers(4))).toEqual([]);
  total += 4;
  const stuck = await reported(node(1), ({ waitingMs }) => waitingMs > 1_000);
  expect(stuck).toMatchObject({ height: before.height, hash: before.hash, pending: 4 });

  await chain.restart(0);
  await chain.restart(3, true);
  await reach([0, 1, 2]);
  // Leaders are drawn: it goes on until the liar has led and done each of its deeds, and others hold it against it.
  const isExposed = async (): Promise<boolean> => {
    const { deeds } = await node(3).report();
    const done = deeds !== null && Math.min(deeds.equivocate, deeds.lie, deeds.withhold) > 0;
    const reports = await Promise.all([0, 1, 2].map((i) => node(i).report()));
    const hasProof = reports.some(({ evidence }) => evidence > 0);
    return done && hasProof && reports.some(({ blamed }) => blamed.includes('ERR_CHAIN_BLOCK_STATE'));
  };
  for (let i = 0; !(await isExposed()); i++) await finalise(i % 3, [0, 1, 2]);
  await finalise(0, [0, 1, 2]);
  const reports = await Promise.all([0, 1, 2].map((i) => node(i).report()));
  expect(new Set(reports.map(({ height, hash }) => `${height} ${hash}`)).size).toBe(1);
  expect(reports.every(({ failure }) => failure === null)).toBe(true);
});
