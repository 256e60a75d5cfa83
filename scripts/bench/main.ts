import { mkdir, writeFile } from 'node:fs/promises';
import type { Figure } from './figure.ts';
import { runIsolated } from './isolated.ts';
import { busyCores, describeMachine } from './machine.ts';
import { type MainOptions, parseOptions, USAGE } from './options.ts';
import { figureLines, summaryLines } from './report.ts';

/** More than this much of other work on the machine makes timings doubtful. */
const QUIET_CORES = 0.25;
const LOOK_MS = 500;

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stopping.abort(new Error(signal)));
}
process.exitCode = await main();

async function main(): Promise<number> {
  let options: MainOptions;
  try {
    options = parseOptions(process.argv.slice(2), process.env);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  // With JSON on stdout the table is talk.
  const table = options.json === '-' ? process.stderr : process.stdout;
  const line = (text: string) => void table.write(`${text}\n`);
  const say = (text: string) => void process.stderr.write(`  ${text}\n`);
  await mkdir(options.workDir, { recursive: true });
  const machine = describeMachine();
  const figures: Figure[] = [];
  const failed: string[] = [];
  const warnings: string[] = [];
  const { processor, cores, node, loadAverage } = machine;
  line(`${processor}, ${cores} cores, load average ${loadAverage}, Node ${node}${options.quick ? ', quick' : ''}`);
  line(
    'Values are medians, or best rounds where it says so (lowest to highest); a ratio is value / limit, both of this run.',
  );
  const context = { quick: options.quick, workDir: options.workDir, llamaDir: options.llamaDir };
  for (const name of options.names) {
    if (stopping.signal.aborted) break;
    line(`\n${name}`);
    const busy = await busyCores(LOOK_MS);
    const load = describeMachine().loadAverage;
    if (busy > QUIET_CORES) {
      const warning = `${name}: other programs keep ${busy.toFixed(1)} of ${cores} cores busy (load average ${load}); expect worse and less steady figures.`;
      warnings.push(warning);
      line(`warning: ${warning}`);
    }
    const started = performance.now();
    const whole = await runIsolated(
      name,
      context,
      (message) => {
        if (message.type === 'about') line(message.text);
        else if (message.type === 'say') say(message.text);
        else {
          figures.push(message.figure);
          for (const text of figureLines(message.figure)) line(text);
        }
      },
      stopping.signal,
    );
    say(`${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
    if (!whole && !stopping.signal.aborted) failed.push(name);
  }
  line('');
  for (const text of summaryLines(figures, failed)) line(text);
  if (options.json !== null) {
    const result = { date: new Date().toISOString(), machine, quick: options.quick, warnings, failed, figures };
    const text = `${JSON.stringify(result, null, 2)}\n`;
    if (options.json === '-') process.stdout.write(text);
    else await writeFile(options.json, text);
  }
  if (stopping.signal.aborted) {
    say('interrupted');
    return 130;
  }
  return failed.length > 0 ? 1 : 0;
}
