import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { drillCommand } from '../drill-command.ts';
import { checkAll, checkStore } from './check.ts';
import { fillDisk } from './disk-full.ts';
import { type CrashOptions, parseOptions, USAGE } from './options.ts';

const NODE = fileURLToPath(new URL('./node.ts', import.meta.url));
/** A kill comes so long after the first record of a run at most, or, every eighth time, after the start of the process. */
const MAX_RUN_MS = 120;
const MAX_START_MS = 300;

await drillCommand(parseOptions, USAGE, main);

async function main({ kills, seed }: CrashOptions, signal: AbortSignal): Promise<number> {
  const line = (text: string) => void process.stdout.write(`${text}\n`);
  const workDir = await mkdtemp(join(tmpdir(), 'blyan-crash-'));
  const dir = join(workDir, 'chain');
  const random = randomOf(seed);
  const problems: string[] = [];
  let [acknowledged, height, emptyRuns] = [0, 0, 0];
  try {
    for (let kill = 1; kill <= kills && !signal.aborted; kill++) {
      const heard = await runAndKill(dir, random, kill % 8 === 0);
      const hashes = heard.filter((text) => text.startsWith('+')).map((text) => text.slice(1));
      if (hashes.length === 0) emptyRuns++;
      acknowledged += hashes.length;
      const checked = await checkStore(dir, hashes, height);
      height = checked.height;
      for (const problem of [...checked.problems, ...heard.filter((text) => text.startsWith('!'))]) {
        problems.push(`kill ${kill}: ${problem}`);
        line(`WRONG: kill ${kill}: ${problem}`);
      }
      if (kill % 20 === 0) line(`${kill} kills: height ${height}, ${acknowledged} records acknowledged`);
    }
    if (signal.aborted) return 130;
    const all = await checkAll(dir);
    const full = await fillDisk(workDir, signal);
    for (const problem of [...all.problems, ...full.problems]) line(`WRONG: ${problem}`);
    problems.push(...all.problems, ...full.problems);
    const ok = problems.length === 0;
    const load = loadavg()[0];
    line(
      JSON.stringify({
        kills,
        seed,
        ok,
        height,
        acknowledged,
        emptyRuns,
        violations: problems.length,
        diskFull: full,
        load,
      }),
    );
    return ok ? 0 : 1;
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** What the node said before it was killed. */
async function runAndKill(dir: string, random: () => number, early: boolean): Promise<string[]> {
  const child = spawn(process.execPath, [NODE, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const first = Promise.withResolvers<void>();
  let heard = '';
  child.stdout.on('data', (data) => {
    heard += data;
    first.resolve();
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  if (early) await delay(random() * MAX_START_MS);
  else {
    await Promise.race([first.promise, closed]);
    await delay(random() * MAX_RUN_MS);
  }
  child.kill('SIGKILL');
  await closed;
  // A line that was cut off was not acknowledged.
  return heard.split('\n').slice(0, -1);
}

/** From 0 to 1; a linear congruential generator (Numerical Recipes). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
