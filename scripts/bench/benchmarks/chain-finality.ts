import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChainProcesses, type ValidatorProcess } from '@blyan/testkit';
import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { median, rangeOf } from '../stats.ts';

const VALIDATORS = 4;

export const chainFinality: Benchmark = {
  name: 'chain-finality',
  about:
    'From the proposal of a block to its finality at every one of 4 validators as 4 processes, over links, in one-way delays.',
  async run({ quick, report }) {
    for (const rttMs of [20, 100]) {
      const dir = await mkdtemp(join(tmpdir(), 'bench-chain-'));
      const options = { dir, validators: VALIDATORS, authors: 4, deltaMs: 500, blockIntervalMs: 50 };
      const chain = await ChainProcesses.start(options);
      try {
        await chain.connected();
        for (const link of chain.links) link.set({ delayMs: rttMs / 2 });
        const ages: number[] = [];
        const blocks = quick ? 20 : 60;
        let total = 0;
        for (let block = 0; block < blocks; block++) {
          const node = chain.nodes[block % VALIDATORS] as ValidatorProcess;
          const seen = chain.nodes.map((each) => each.until((head) => head.records > total));
          await node.submit(chain.transfers(1));
          const heads = await Promise.all(seen);
          total++;
          // The first blocks find cold code and streams that have still to be opened.
          if (block >= 8) ages.push(...heads.map(({ ageMs }) => ageMs));
        }
        const oneWayMs = rttMs / 2;
        const delays = ages.map((ms) => ms / oneWayMs);
        report(
          figure(`chain-finality.rtt-${rttMs}`, median(delays), 'one-way delays', {
            goal: { below: 3.5 },
            range: rangeOf(delays),
            note: `median of ${delays.length}: ${Math.round(median(ages))} ms`,
          }),
        );
      } finally {
        await chain[Symbol.asyncDispose]();
        await rm(dir, { recursive: true, force: true });
      }
    }
  },
};
