import { echoRoundTrip } from '@blyan/testkit';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { benchName, importedBenchModel, promptTokens } from '../model/bench-model.ts';
import { generate } from '../network/generate.ts';
import { LocalNetwork, type LocalNetworkOptions } from '../network/local-network.ts';
import { median, rangeOf } from '../stats.ts';

const DELAYS_MS = [0, 20, 50];
const SHORT_DELAYS_MS = [0, 20];
const HOPS = 1.5;
const PROMPT_TOKENS = 16;
const SMALLEST_VOCABULARY = 300;
const WARM_UP = 2;
const ECHOES = 30;
const GOAL_AT_MS = 20;

export const pipeline: Benchmark = {
  name: 'pipeline',
  about: `Plan pipeline over three daemons (three processes, coordinator and two more stages), every link through a delaying proxy. A token
crosses three links one way (coordinator to stage 2, to stage 3, back), 1.5 round trips. Limit: 1 / (1.5 x RTT + compute), RTT = a TCP
echo through such a proxy, compute = ms per token without delay - 1.5 x a TCP echo without proxy. Without delay the limit is
1 / (computing time that the stages report). Tokens are counted as an HTTP client receives them.`,
  async run(run) {
    await measureModel('genesis', undefined, run.quick ? SHORT_DELAYS_MS : DELAYS_MS, run);
    if (run.quick) return;
    // Quantised, because three daemons would hold the f32 form twice.
    const { dataDir } = await importedBenchModel(run, 'i8');
    await measureModel('bench-i8', { dataDir, name: benchName(run.quick) }, SHORT_DELAYS_MS, run);
  },
};

interface Measured {
  readonly msPerToken: readonly number[];
  /** Milliseconds per token that the stages report. */
  readonly stagesMs: number;
  readonly pingMs: number;
}

async function measureModel(
  name: string,
  model: LocalNetworkOptions['model'],
  delaysMs: readonly number[],
  run: BenchRun,
): Promise<void> {
  const { quick, report, say } = run;
  const direct = await echoRoundTrip(null, ECHOES);
  let computeMs = 0;
  for (const delayMs of delaysMs) {
    say(`${name}, ${delayMs} ms`);
    const measured = await measureDelay({ delayMs, model }, quick ? 3 : 5, quick ? 20 : 48, run);
    const msPerToken = median(measured.msPerToken);
    const echo = delayMs === 0 ? direct : await echoRoundTrip({ delayMs: delayMs / 2 }, ECHOES);
    if (delayMs === 0) computeMs = Math.max(0, msPerToken - HOPS * direct);
    const limitMs = delayMs === 0 ? measured.stagesMs : HOPS * echo + computeMs;
    const against =
      delayMs === 0
        ? `if nothing but the stages' ${limitMs.toFixed(2)} ms of computing took time`
        : `1 / (1.5 x ${echo.toFixed(2)} ms + ${computeMs.toFixed(2)} ms)`;
    // The same with nothing in `compute` but what the stages report: no messages, no sampling, no HTTP.
    const strict = (HOPS * echo + measured.stagesMs) / msPerToken;
    const parts = `${msPerToken.toFixed(2)} ms a token; stages compute ${measured.stagesMs.toFixed(2)} ms of it`;
    report(
      figure(`pipeline.${name}.${delayMs}ms`, 1000 / msPerToken, 'tokens/s', {
        limit: 1000 / limitMs,
        against,
        ...(delayMs === GOAL_AT_MS ? { goal: { ratioAtLeast: 0.85 } } : {}),
        range: rangeOf(measured.msPerToken.map((ms) => 1000 / ms)),
        note: `${parts}, pings take ${measured.pingMs.toFixed(2)} ms; ratio with that computing alone: ${strict.toFixed(2)}`,
      }),
    );
  }
}

async function measureDelay(
  options: LocalNetworkOptions,
  rounds: number,
  tokens: number,
  run: BenchRun,
): Promise<Measured> {
  const { signal } = run;
  await using network = await LocalNetwork.start(run, options);
  const { gateway, model } = network;
  const prompt = promptTokens(PROMPT_TOKENS, SMALLEST_VOCABULARY);
  const ask = () => generate({ gateway, model, plan: 'pipeline', prompt, tokens, signal });
  // Loads the blocks, then brings three processes' worth of code to speed.
  for (let round = 0; round < WARM_UP; round++) await ask();
  const pingMs = await network.roundTripMs(signal);
  const answers = [];
  for (let round = 0; round < rounds; round++) answers.push(await ask());
  const stages = answers.map(({ blyan }) => stageMs(blyan.route));
  return { msPerToken: answers.map((answer) => answer.msPerToken), stagesMs: median(stages), pingMs };
}

/** Computing time per step, summed over the stages. */
function stageMs(route: readonly { role: string; calls: number; ms: number }[] = []): number {
  const stages = route.filter(({ role }) => role === 'stage');
  if (stages.length !== 3) throw new Error(`the pipeline has ${stages.length} stages, not 3`);
  return stages.reduce((sum, { ms, calls }) => sum + ms / calls, 0);
}
