import { loadavg } from 'node:os';
import { drillCommand } from '../drill-command.ts';
import { judgeLoad } from './judge.ts';
import { parseOptions, USAGE } from './options.ts';
import { type LoadResult, runLoad } from './run.ts';

await drillCommand(parseOptions, USAGE, main);

async function main(options: ReturnType<typeof parseOptions>, signal: AbortSignal): Promise<number> {
  const { json, help: _, ...load } = options;
  const line = (text: string) => void process.stdout.write(`${text}\n`);
  let result: LoadResult;
  try {
    result = await runLoad(load, { signal, say: (text) => void process.stderr.write(`  ${text}\n`) });
  } catch (error) {
    if (signal.aborted) return 130;
    line(`the drill broke off: ${(error as Error).message}`);
    if (json) line(JSON.stringify({ ...load, ok: false, broken: (error as Error).message }));
    return 1;
  }
  const { lines, figures } = judgeLoad(result, load);
  for (const text of lines) line(text);
  line(`       load average ${loadavg()[0]?.toFixed(1)}`);
  if (json) line(JSON.stringify({ ...load, ...figures, load: loadavg()[0] }));
  return figures.ok ? 0 : 1;
}
