import { availableParallelism } from 'node:os';
import { modelView } from '@blyan/inference';
import { echoRoundTrip } from '@blyan/testkit';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureDraw } from '../limits/computing-alone.ts';
import { benchName, importedBenchModel, promptTokens } from '../model/bench-model.ts';
import { type Answer, generate } from '../network/generate.ts';
import { LocalNetwork, type LocalNetworkOptions } from '../network/local-network.ts';
import { stageMs } from '../network/stage-ms.ts';
import { LLAMA_RPC } from '../peers/quoted.ts';
import { median, rangeOf, shortest } from '../stats.ts';

const PROMPT_TOKENS = 16;
const SMALLEST_VOCABULARY = 300;
/** Answers at once: a few hundred tokens bring the code of the processes to speed, one by one that takes long with a delay. */
const WARM_UP = 8;
const WARM_UP_TOKENS = 96;
const ECHOES = 30;
const GOAL_AT_MS = 20;

/** The coordinator is the first of so many stages: a token crosses as many links, one way. */
const THREE: Shape = { nodes: 3, suffix: '' };
const TWO: Shape = { nodes: 2, suffix: '.2-nodes' };
/** Of one answer only one stage computes at a time: the cores are free for its second thread. */
const TWO_OF_TWO_THREADS: Shape = { nodes: 2, suffix: '.2-nodes-2-threads', threads: 2 };

interface Shape {
  readonly nodes: number;
  readonly suffix: string;
  readonly threads?: number;
}

function shapeOf({ nodes, threads }: Shape): Pick<LocalNetworkOptions, 'nodes' | 'threads'> {
  return { nodes, threads };
}

interface Model {
  readonly name: string;
  readonly at?: LocalNetworkOptions['model'];
  /** Milliseconds of head and draw, which are the coordinator's and not its stage's. */
  readonly drawMs?: (threads: number) => Promise<number>;
}

const ABOUT = `Plan pipeline over daemons, each its own process, every link through a delaying proxy, no speculation. The coordinator is the first of
three stages, a token crosses three links one way, 1.5 round trips; or of two stages, one round trip. Limit: 1 / (hops / 2 x RTT + compute),
RTT = a TCP echo through such a proxy, compute = ms per token without delay - hops / 2 x a TCP echo without proxy. Without delay the limit is
1 / (computing time that the stages report + head and draw). Tokens are counted as an HTTP client receives them. Best rounds.`;

export const pipeline: Benchmark = {
  name: 'pipeline',
  about: ABOUT,
  async run(run) {
    const model = await benchModel(run);
    for (const shape of [THREE, TWO]) await measureModel(model, shape, [0, 20], run);
    if (availableParallelism() > 1) await measureModel(model, TWO_OF_TWO_THREADS, [0], run);
  },
};

export const pipelineGenesis: Benchmark = {
  name: 'pipeline-genesis',
  about: ABOUT,
  run: (run) => measureModel({ name: 'genesis' }, THREE, [0, 20, 50], run),
};

/** The quick one has too few layers to be shared out. */
async function benchModel(run: BenchRun): Promise<Model> {
  if (run.quick) return { name: 'genesis' };
  // Quantised, because three daemons would hold the f32 form twice.
  const { dataDir, blocksDir, manifest } = await importedBenchModel(run, 'i8');
  const drawMs = (threads: number) => measureDraw(blocksDir, modelView(manifest), threads);
  return { name: 'bench-i8', at: { dataDir, name: benchName(run.quick) }, drawMs };
}

interface Measured {
  readonly msPerToken: readonly number[];
  /** Milliseconds per token that the stages report. */
  readonly stagesMs: number;
  readonly pingMs: number;
}

async function measureModel(model: Model, shape: Shape, delaysMs: readonly number[], run: BenchRun): Promise<void> {
  const { report, say } = run;
  const roundTrips = shape.nodes / 2;
  const direct = await echoRoundTrip(null, ECHOES);
  let computeMs = 0;
  for (const delayMs of delaysMs) {
    say(`${model.name}, ${shape.nodes} nodes, ${delayMs} ms`);
    const measured = await measureDelay({ delayMs, ...shapeOf(shape), model: model.at }, run);
    const msPerToken = shortest(measured.msPerToken);
    const echo = delayMs === 0 ? direct : await echoRoundTrip({ delayMs: delayMs / 2 }, ECHOES);
    if (delayMs === 0) computeMs = Math.max(0, msPerToken - roundTrips * direct);
    const drawMs = delayMs === 0 ? ((await model.drawMs?.(shape.threads ?? 1)) ?? 0) : 0;
    const limitMs = delayMs === 0 ? measured.stagesMs + drawMs : roundTrips * echo + computeMs;
    const against =
      delayMs === 0
        ? `if nothing but the stages' ${measured.stagesMs.toFixed(2)} ms and the draw's ${drawMs.toFixed(2)} ms of computing took time`
        : `1 / (${roundTrips} x ${echo.toFixed(2)} ms + ${computeMs.toFixed(2)} ms)`;
    // The same with nothing in `compute` but what the stages report: no messages, no sampling, no HTTP.
    const strict = (roundTrips * echo + measured.stagesMs) / msPerToken;
    const parts = `${msPerToken.toFixed(2)} ms a token; stages compute ${measured.stagesMs.toFixed(2)} ms of it`;
    const peer = quotedPeer(model, shape, delayMs);
    report(
      figure(`pipeline.${model.name}${shape.suffix}.${delayMs}ms`, 1000 / msPerToken, 'tokens/s', {
        limit: 1000 / limitMs,
        against,
        ...(delayMs === GOAL_AT_MS ? { goal: { ratioAtLeast: 0.85 } } : {}),
        ...(peer?.goal === undefined ? {} : { goal: { atLeast: peer.goal } }),
        range: rangeOf(measured.msPerToken.map((ms) => 1000 / ms)),
        note: `${parts}, pings take ${measured.pingMs.toFixed(2)} ms; ratio with that computing alone: ${strict.toFixed(2)}${peer?.text ?? ''}`,
      }),
    );
  }
}

/** What was measured of llama.cpp on this model, elsewhere. */
function quotedPeer({ at }: Model, { nodes }: Shape, delayMs: number): { text: string; goal?: number } | null {
  const { loopback, at20ms, oneServerAt20ms } = LLAMA_RPC;
  if (at === undefined) return null;
  const text = (speed: number) => `; llama.cpp RPC ${speed} tokens/s, quoted`;
  if (delayMs === 0) return nodes === 2 ? { text: text(loopback), goal: Math.round(0.9 * loopback) } : null;
  return { text: text(nodes === 2 ? oneServerAt20ms : at20ms) };
}

async function measureDelay(options: LocalNetworkOptions, run: BenchRun): Promise<Measured> {
  const { quick, signal } = run;
  await using network = await LocalNetwork.start(run, options);
  const { gateway, model } = network;
  // Without a delay answers are short in time.
  const tokens = (quick ? 20 : 48) * (options.delayMs === 0 ? 4 : 1);
  const ask = (seed = 1, count = tokens) => {
    const prompt = promptTokens(PROMPT_TOKENS, SMALLEST_VOCABULARY, seed);
    return generate({ gateway, model, plan: 'pipeline', prompt, tokens: count, speculation: 'off', signal });
  };
  for (let round = 0; round < (quick ? 1 : 2); round++)
    await Promise.all(Array.from({ length: WARM_UP }, (_, index) => ask(2 + index, WARM_UP_TOKENS)));
  await ask();
  const pingMs = await network.roundTripMs(signal);
  const answers: Answer[] = [];
  for (let round = 0; round < (quick ? 3 : 5); round++) answers.push(await ask());
  const stages = answers.map(({ blyan }) => stageMs(blyan.route ?? [], options.nodes ?? 3));
  return { msPerToken: answers.map((answer) => answer.msPerToken), stagesMs: median(stages), pingMs };
}
