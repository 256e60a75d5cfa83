import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChainProcesses, type ValidatorProcess, type ValidatorReport } from '@blyan/testkit';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureSync } from '../limits/sync-ms.ts';
import { median, rangeOf } from '../stats.ts';

const VALIDATORS = 4;
/** Proposal, notarise votes, finalise votes: each travels once. */
const DELAYS = 3;
/** What has to be on disk before it may be said: the proposal, the vote to notarise, the vote to finalise. */
const SYNCS = 3;
/** The first blocks find cold code and streams that have still to be opened: these are made before the links delay anything. */
const COLD_BLOCKS = 150;

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
  for (let made = 0; made < COLD_BLOCKS; made++) await makeFinal(chain, made);
  for (const link of chain.links) link.set({ delayMs: rttMs / 2 });
  const decided: number[] = [];
  const onDisk: number[] = [];
  const roundTrips: number[] = [];
  const syncs: number[] = [];
  for (let block = 0; block < (quick ? 16 : 56); block++) {
    const heads = await makeFinal(chain, COLD_BLOCKS + block);
    decided.push(...heads.map(({ decidedMs }) => decidedMs));
    onDisk.push(...heads.map(({ ageMs }) => ageMs));
    // Others on the machine make links and disk slow as well: what they take is measured between the blocks. One sync behind
    // another is far quicker than the first.
    const node = chain.nodes[block % VALIDATORS] as ValidatorProcess;
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

/** Settles when all validators have made a block of one record final. @param before blocks that are final */
async function makeFinal(chain: ChainProcesses, before: number): Promise<readonly ValidatorReport[]> {
  const seen = chain.nodes.map((node) => node.until((head) => head.records > before));
  await (chain.nodes[before % VALIDATORS] as ValidatorProcess).submit(chain.transfers(1));
  return await Promise.all(seen);
}
