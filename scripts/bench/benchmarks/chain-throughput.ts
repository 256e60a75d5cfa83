import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChainProcesses, type ValidatorProcess } from '@blyan/testkit';
import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureEd25519 } from '../limits/ed25519-rate.ts';

const VALIDATORS = 4;
const AUTHORS = 32;
const CHUNK = 256;
/** Records that were handed in and are not final. */
const IN_FLIGHT = 12_000;

export const chainThroughput: Benchmark = {
  name: 'chain-throughput',
  about:
    'Transfers made final a second by 4 validators as 4 processes; every validator verifies every record once, so the limit is cores x ed25519 verifications a second / validators.',
  async run({ quick, report }) {
    const total = quick ? 8_192 : 32_768;
    const cores = availableParallelism();
    const verifyRate = measureEd25519(quick ? 1 : 3);
    report(figure('chain-throughput.ed25519', verifyRate, 'verifications/s'));
    const dir = await mkdtemp(join(tmpdir(), 'bench-chain-'));
    const options = { dir, validators: VALIDATORS, authors: AUTHORS, deltaMs: 2_000, blockIntervalMs: 200 };
    const chain = await ChainProcesses.start(options);
    try {
      await chain.connected();
      const records = chain.transfers(total);
      const started = performance.now();
      const fed = chain.nodes.map((node, i) =>
        feed(
          node,
          records.filter((_, at) => at % VALIDATORS === i),
          records.length,
        ),
      );
      await Promise.all(fed);
      await Promise.all(chain.nodes.map((node) => node.until((head) => head.records >= total)));
      const perSecond = total / ((performance.now() - started) / 1000);
      const limit = (cores * verifyRate) / VALIDATORS;
      const heads = await chain.nodes[0]?.report();
      report(
        figure('chain-throughput.final', perSecond, 'records/s', {
          limit,
          against: 'cores x ed25519 verifications/s / validators',
          goal: { ratioAtLeast: 0.4 },
          note: `${total} records in ${heads?.height} blocks`,
        }),
      );
    } finally {
      await chain[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    }
  },
};

/** The authors of these records are this validator's alone, so that it gets them in the order of their nonces. */
async function feed(node: ValidatorProcess, records: readonly Uint8Array[], total: number): Promise<void> {
  for (let at = 0; at < records.length; at += CHUNK) {
    const handedIn = (at / records.length) * total;
    await node.until((head) => head.records > handedIn - IN_FLIGHT);
    const refused = await node.submit(records.slice(at, at + CHUNK));
    if (refused.length > 0) throw new Error(`records were refused: ${refused[0]}`);
  }
}
