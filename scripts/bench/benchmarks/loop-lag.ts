import { setTimeout as delay } from 'node:timers/promises';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { importedBenchModel, promptTokens } from '../model/bench-model.ts';
import { Daemon } from '../network/daemon.ts';
import { generate } from '../network/generate.ts';
import type { LoopLag } from '../network/lag-probe.ts';
import { median, rangeOf } from '../stats.ts';

const PREFILL_TOKENS = 512;
const IDLE_MS = 2000;

export const loopLag: Benchmark = {
  name: 'loop-lag',
  about: `Event-loop delay of a real daemon (all services on, the bench model in f32, plan local) from the arrival of a prompt of
${PREFILL_TOKENS} tokens to its first token, as monitorEventLoopDelay inside the daemon sees it every millisecond. Compared with the same daemon idle.`,
  async run(run) {
    const { quick, report, signal, say } = run;
    const { dataDir, manifest } = await importedBenchModel(run, 'f32');
    const args = ['start', '--data-dir', dataDir, '--model', manifest.name, '--host', 'all', '--no-mdns'];
    args.push('--listen', '/ip4/127.0.0.1/tcp/0', '--gateway', '127.0.0.1:0', '--metrics', 'off');
    say('starting a daemon');
    const probe = new URL('../network/lag-probe.ts', import.meta.url).href;
    await using daemon = await Daemon.start(args, signal, { NODE_OPTIONS: `--import=${probe}` });
    const prefill = (seed: number) => prefillOnce(daemon.ready.gateway, manifest.name, seed, run);
    await prefill(0);
    await daemon.ask<LoopLag>('reset');
    await delay(IDLE_MS, undefined, { signal });
    const idle = await daemon.ask<LoopLag>('lag');
    const seen: LoopLag[] = [];
    const times: number[] = [];
    for (let round = 1; round <= (quick ? 4 : 7); round++) {
      await daemon.ask<LoopLag>('reset');
      times.push(await prefill(round));
      seen.push(await daemon.ask<LoopLag>('lag'));
    }
    const p99 = seen.map((lag) => lag.p99);
    report(
      figure('loop-lag.prefill-p99', median(p99), 'ms', {
        limit: idle.p99,
        against: 'the same daemon idle',
        goal: { below: 20 },
        range: rangeOf(p99),
        note: `${PREFILL_TOKENS} tokens in ${median(times).toFixed(0)} ms`,
      }),
    );
    report(
      figure('loop-lag.prefill-max', Math.max(...seen.map(({ max }) => max)), 'ms', {
        limit: idle.max,
        against: 'the same daemon idle',
        note: `the longest of ${seen.length} prefills`,
      }),
    );
  },
};

/** Milliseconds to the first token. */
async function prefillOnce(gateway: string, model: string, seed: number, { signal }: BenchRun): Promise<number> {
  const prompt = promptTokens(PREFILL_TOKENS, 8192, seed + 1);
  const answer = await generate({ gateway, model, plan: 'local', prompt, tokens: 1, signal });
  return answer.msToFirstToken;
}
