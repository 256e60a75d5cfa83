import { loadavg } from 'node:os';
import { drillCommand } from '../drill-command.ts';
import { quantile } from '../failover/judge.ts';
import { countReasons } from './kills.ts';
import { GROWTH_BYTES, GROWTH_SHARE } from './memory.ts';
import { parseOptions, USAGE } from './options.ts';
import { type ChaosResult, runChaos } from './run.ts';

const GOAL_SHARE = 0.999;
const MIB = 1024 * 1024;
const SHOWN_FAILURES = 20;
const SHOWN_SLOWEST = 3;

await drillCommand(parseOptions, USAGE, main);

async function main(options: ReturnType<typeof parseOptions>, signal: AbortSignal): Promise<number> {
  const { json, help: _, ...chaos } = options;
  const line = (text: string) => void process.stdout.write(`${text}\n`);
  const say = (text: string) => void process.stderr.write(`  ${text}\n`);
  let result: ChaosResult;
  try {
    result = await runChaos(chaos, { signal, say });
  } catch (error) {
    if (signal.aborted) return 130;
    line(`the storm broke off: ${(error as Error).message}`);
    if (json) line(JSON.stringify({ ...chaos, ok: false, broken: (error as Error).message }));
    return 1;
  }
  const report = judgeChaos(result, chaos.minHits);
  for (const text of report.lines) line(text);
  if (json) line(JSON.stringify({ ...chaos, ...report.figures, load: loadavg()[0] }));
  return report.figures.ok ? 0 : 1;
}

function judgeChaos({ answers, kills, hits, memory, links, leak, ghost }: ChaosResult, minHits: number) {
  const right = answers.filter(({ outcome }) => outcome === 'right').length;
  const share = answers.length === 0 ? 0 : right / answers.length;
  const gaps = answers.map(({ longestGapMs }) => longestGapMs);
  const gapMs = { p50: quantile(gaps, 0.5), p95: quantile(gaps, 0.95), max: Math.max(0, ...gaps) };
  const resumed = answers.filter(({ resumes }) => resumes > 0).length;
  const errorEvents = answers.reduce((sum, { errors }) => sum + errors.length, 0);
  const failovers = countReasons(kills, answers);
  const swollen = memory.filter(({ isFlat }) => !isFlat);
  const checks = {
    answers: share >= GOAL_SHARE,
    hits: hits >= minHits,
    leak: leak === null,
    ghost: ghost === null,
    memory: swollen.length === 0,
  };
  const failures = answers
    .filter(({ outcome }) => outcome !== 'right')
    .map(({ outcome, detail }) => `${outcome}: ${detail}`);
  const ok = Object.values(checks).every(Boolean);
  const verdict = (isGood: boolean) => (isGood ? 'ok    ' : 'FAILED');
  const lines = [
    `${verdict(checks.answers)} ${right} of ${answers.length} answers complete and right (${(share * 100).toFixed(3)} %, goal ${GOAL_SHARE * 100} %); ${resumed} resumed at another gateway, ${errorEvents} error events`,
    `${verdict(checks.hits)} ${hits} of ${kills.length} kills hit a node that computed an answer (goal ${minHits}); ${kills.filter(({ clients }) => clients > 0).length} hit a gateway with streams`,
    `${verdict(checks.leak)} KV memory after the storm: ${leak ?? 'all free, nothing active'}`,
    `${verdict(checks.ghost)} ghosts: ${ghost ?? 'none'}`,
    `${verdict(checks.memory)} anonymous resident memory from warm-up to end, at most ${GROWTH_SHARE * 100} % and ${GROWTH_BYTES / MIB} MiB more: ${memory.map(({ label, seconds, warmBytes, endBytes }) => `${label} ${(warmBytes / MIB).toFixed(0)} -> ${(endBytes / MIB).toFixed(0)} MiB in ${seconds} s`).join(', ') || 'no life was long enough'}`,
    `       failovers of killed nodes ${JSON.stringify(failovers.killed)}, of living ones ${JSON.stringify(failovers.alive)}`,
    `       longest wait between tokens at the client p50 ${gapMs.p50.toFixed(0)}, p95 ${gapMs.p95.toFixed(0)}, max ${gapMs.max.toFixed(0)} ms`,
  ];
  if (links !== null) {
    const { echo, weather } = links;
    lines.push(
      `       links: an echo takes ${echo.roundTripMs.toFixed(2)} ms (without a link ${echo.directMs.toFixed(2)}); ${weather.reset} resets, ${weather.stall} stalls, ${weather.partition} partitions`,
    );
  }
  const slowest = answers.toSorted((a, b) => b.longestGapMs - a.longestGapMs).slice(0, SHOWN_SLOWEST);
  const figures = {
    ...{ ok, checks, answers: answers.length, right, share, resumed, errorEvents, failovers, gapMs },
    ...{ kills: kills.length, hits, memory, links, leak, ghost, failures: failures.slice(0, SHOWN_FAILURES), slowest },
  };
  return { lines, figures };
}
