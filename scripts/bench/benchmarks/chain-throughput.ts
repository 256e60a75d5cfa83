import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChainProcesses, type ValidatorProcess, type ValidatorReport } from '@blyan/testkit';
import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { ed25519Speed } from '../limits/ed25519-rate.ts';

const VALIDATORS = 4;
const AUTHORS = 32;
const CHUNK = 256;
/** Records that were handed in and are not final. */
const IN_FLIGHT = 12_000;
/** Of a round; the first one warms the code up and is not counted. */
const ROUND = 8_192;

export const chainThroughput: Benchmark = {
  name: 'chain-throughput',
  about:
    'Transfers made final a second by 4 validators as 4 processes; every validator verifies every record once, so the limit is ' +
    'cores x ed25519 verifications a second / validators. The best of the rounds after the first, which warms the code up.',
  async run({ quick, report, say }) {
    const cores = availableParallelism();
    const { perSecond: verifyRate, cpuUs: verifyUs } = ed25519Speed(quick ? 3 : 6);
    report(figure('chain-throughput.ed25519', verifyRate, 'verifications/s'));
    const dir = await mkdtemp(join(tmpdir(), 'bench-chain-'));
    const options = { dir, validators: VALIDATORS, authors: AUTHORS, deltaMs: 2_000, blockIntervalMs: 200 };
    const chain = await ChainProcesses.start(options);
    try {
      await chain.connected();
      const rounds: Round[] = [];
      for (let round = 0; round <= (quick ? 2 : 5); round++) {
        const made = await makeFinal(chain, round * ROUND);
        say(
          `round ${round}: ${Math.round(made.perSecond)} records/s, ${Math.round(made.cpuUs)} us of a processor each`,
        );
        if (round > 0) rounds.push(made);
      }
      const speeds = rounds.map(({ perSecond }) => perSecond);
      const best = rounds.reduce((a, b) => (a.perSecond > b.perSecond ? a : b));
      const cheapest = Math.min(...rounds.map(({ cpuUs }) => cpuUs));
      const limit = (cores * verifyRate) / VALIDATORS;
      report(
        figure('chain-throughput.final', best.perSecond, 'records/s', {
          limit,
          against: 'cores x ed25519 verifications/s / validators',
          goal: { ratioAtLeast: 0.4 },
          range: [Math.min(...speeds), Math.max(...speeds)],
          note: `${ROUND} records in ${best.blocks} blocks`,
        }),
      );
      report(
        figure('chain-throughput.cpu', cheapest, 'us', {
          limit: verifyUs,
          against: 'one verification; processor time of a validator per record, the least of the rounds',
          note: `cores without a pause would make ${(verifyUs / cheapest).toFixed(2)} of the limit above`,
        }),
      );
    } finally {
      await chain[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    }
  },
};

interface Round {
  readonly perSecond: number;
  readonly blocks: number;
  /** Of a validator's processor, per record. */
  readonly cpuUs: number;
}

/** @param before records that are final already */
async function makeFinal(chain: ChainProcesses, before: number): Promise<Round> {
  const records = chain.transfers(ROUND);
  const reports = () => Promise.all(chain.nodes.map((node) => node.report()));
  const earlier = await reports();
  const started = performance.now();
  const fed = chain.nodes.map((node, i) => {
    const some = records.filter((_, at) => at % VALIDATORS === i);
    return feed(node, some, before);
  });
  await Promise.all(fed);
  await Promise.all(chain.nodes.map((node) => node.until((head) => head.records >= before + ROUND)));
  const perSecond = ROUND / ((performance.now() - started) / 1000);
  const later = await reports();
  const sum = (all: readonly ValidatorReport[], of: (one: ValidatorReport) => number) =>
    all.reduce((total, one) => total + of(one), 0);
  const cpuMs = sum(later, ({ cpuMs }) => cpuMs) - sum(earlier, ({ cpuMs }) => cpuMs);
  const blocks = (later[0]?.height ?? 0) - (earlier[0]?.height ?? 0);
  return { perSecond, blocks, cpuUs: (1000 * cpuMs) / ROUND / VALIDATORS };
}

/** The authors of these records are this validator's alone, so that it gets them in the order of their nonces. */
async function feed(node: ValidatorProcess, records: readonly Uint8Array[], before: number): Promise<void> {
  for (let at = 0; at < records.length; at += CHUNK) {
    const handedIn = before + (at / records.length) * ROUND;
    await node.until((head) => head.records > handedIn - IN_FLIGHT);
    const refused = await node.submit(records.slice(at, at + CHUNK));
    if (refused.length > 0) throw new Error(`records were refused: ${refused[0]}`);
  }
}
