import { loadavg } from 'node:os';
import { drillCommand } from '../drill-command.ts';
import { type FaultReport, runFailoverDrill } from './drill.ts';
import { quantile } from './judge.ts';
import { parseOptions, USAGE } from './options.ts';

const GOAL_P95_MS = 1_000;

await drillCommand(parseOptions, USAGE, main);

async function main(options: ReturnType<typeof parseOptions>, signal: AbortSignal): Promise<number> {
  const { json, help: _, ...drill } = options;
  const line = (text: string) => void process.stdout.write(`${text}\n`);
  const { kills, faults, role, model, promptTokens, answerTokens } = drill;
  line(
    `${kills} x ${faults.join(', ')} of a node with role ${role}, model ${model}, ${promptTokens} + ${answerTokens} tokens, seed ${drill.seed}`,
  );
  const reports: FaultReport[] = [];
  let broken: string | null = null;
  try {
    await runFailoverDrill(drill, {
      signal,
      say: (text) => void process.stderr.write(`  ${text}\n`),
      onFault: (report) => {
        reports.push(report);
        line(faultLine(reports.length, report));
      },
    });
  } catch (error) {
    if (signal.aborted) return 130;
    broken = (error as Error).message;
    line(`the drill broke off: ${broken}`);
  }
  const gaps = reports.flatMap(({ gapMs }) => (gapMs === null ? [] : [gapMs]));
  const failed = reports.filter(({ problems }) => problems.length > 0).length;
  const gap = { p50: quantile(gaps, 0.5), p95: quantile(gaps, 0.95), max: Math.max(0, ...gaps) };
  const isMet = broken === null && failed === 0 && gap.p95 < GOAL_P95_MS;
  line(
    `${reports.length} faults, ${failed} answers wrong; gap at the client p50 ${gap.p50.toFixed(0)}, p95 ${gap.p95.toFixed(0)}, max ${gap.max.toFixed(0)} ms (goal: p95 < ${GOAL_P95_MS})`,
  );
  if (json) line(JSON.stringify({ ...drill, ok: isMet, broken, failed, gapMs: gap, load: loadavg()[0], reports }));
  return isMet ? 0 : 1;
}

function faultLine(index: number, { fault, victim, afterToken, gapMs, failovers, problems }: FaultReport): string {
  const gap = gapMs === null ? 'no answer' : `gap ${gapMs.toFixed(0)} ms`;
  const rows = failovers.map(({ reason, atToken, rowsRecomputed }) => {
    const counts = Object.entries(rowsRecomputed).map(([peerId, count]) => `${peerId.slice(-6)}: ${count}`);
    return `${reason} at token ${atToken}, rows again {${counts.join(', ')}}`;
  });
  return [
    `${index}. ${fault} of ${victim} after token ${afterToken}: ${gap}`,
    ...rows,
    ...problems.map((text) => `WRONG: ${text}`),
  ].join('; ');
}
