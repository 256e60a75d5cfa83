import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChainProcesses, type ValidatorProcess } from '@blyan/testkit';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureSync } from '../limits/sync-ms.ts';
import { median, rangeOf } from '../stats.ts';

const VALIDATORS = 4;
/** Proposal, notarise votes, finalise votes: each travels once. */
const DELAYS = 3;
/** What has to be on disk before it may be said: the proposal, the vote to notarise, the vote to finalise. */
const SYNCS = 3;
/** The first blocks find cold code and streams that have still to be opened. */
const COLD_BLOCKS = 8;

export const chainFinality: Benchmark = {
  name: 'chain-finality',
  about:
    'From the proposal of a block of one record until each of 4 validators as 4 processes knows that it is final, over links, in ' +
    'one-way delays: half of the round trip measured on these links. The limit is 3 delays and 3 syncs of this disk.',
  async run(context) {
    for (const rttMs of [20, 100]) {
      const dir = await mkdtemp(join(tmpdir(), 'bench-chain-'));
      const options = { dir, validators: VALIDATORS, authors: 4, deltaMs: 500, blockIntervalMs: 50 };
      const chain = await ChainProcesses.start(options);
      try {
        await measure(chain, rttMs, dir, context);
      } finally {
        await chain[Symbol.asyncDispose]();
        await rm(dir, { recursive: true, force: true });
      }
    }
  },
};

async function measure(chain: ChainProcesses, rttMs: number, dir: string, { quick, report }: BenchRun): Promise<void> {
  await chain.connected();
  for (const link of chain.links) link.set({ delayMs: rttMs / 2 });
  const decided: number[] = [];
  const onDisk: number[] = [];
  const roundTrips: number[] = [];
  const syncs: number[] = [];
  const blocks = COLD_BLOCKS + (quick ? 16 : 56);
  for (let block = 0; block < blocks; block++) {
    const node = chain.nodes[block % VALIDATORS] as ValidatorProcess;
    const seen = chain.nodes.map((each) => each.until((head) => head.records > block));
    await node.submit(chain.transfers(1));
    const heads = await Promise.all(seen);
    if (block < COLD_BLOCKS) continue;
    decided.push(...heads.map(({ decidedMs }) => decidedMs));
    onDisk.push(...heads.map(({ ageMs }) => ageMs));
    // Others on the machine make links and disk slow as well: what they take is measured between the blocks. One sync behind
    // another is far quicker than the first.
    roundTrips.push(await node.roundTripMs());
    syncs.push(measureSync(dir));
  }
  const oneWayMs = median(roundTrips) / 2;
  const delays = decided.map((ms) => ms / oneWayMs);
  const syncMs = median(syncs);
  report(figure(`chain-finality.one-way-${rttMs}`, oneWayMs, 'ms'));
  report(figure(`chain-finality.sync-${rttMs}`, syncMs, 'ms'));
  report(
    figure(`chain-finality.rtt-${rttMs}`, median(delays), 'one-way delays', {
      limit: DELAYS + (SYNCS * syncMs) / oneWayMs,
      against: `${DELAYS} delays and ${SYNCS} syncs`,
      goal: { below: 3.5 },
      range: rangeOf(delays),
      note:
        `median of ${delays.length}: ${Math.round(median(decided))} ms, ` +
        `${(median(decided) / (rttMs / 2)).toFixed(2)} of the ${rttMs / 2} ms set; on disk after ${Math.round(median(onDisk))} ms`,
    }),
  );
}
