import type { PlanType } from '@blyan/interface';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { benchName, importedBenchModel, promptTokens } from '../model/bench-model.ts';
import { generate } from '../network/generate.ts';
import { LocalNetwork } from '../network/local-network.ts';
import { rangeOf, shortest } from '../stats.ts';

const PROMPT_TOKENS = 512;
const DIFFERENT = 16;
const DELAY_MS = 20;
const SMALLEST_VOCABULARY = 300;
const WARM_UP = 3;
const GOAL = 0.15;

export const firstToken: Benchmark = {
  name: 'first-token',
  about: `Time to the first token of a prompt of ${PROMPT_TOKENS} tokens as an HTTP client sees it, the bench model in i8: a prompt that nobody has seen (the limit), the
same once more, and one that differs from it in its last ${DIFFERENT} tokens. Plan local on one node; pipeline over two nodes, on loopback and, as context,
with ${DELAY_MS} ms round trips, of which every first token costs two (the stages are opened, then the row travels). Best rounds; every round
has a new prompt.`,
  async run(run) {
    await measure('local', 1, 0, run);
    for (const delayMs of run.quick ? [0] : [0, DELAY_MS]) await measure('pipeline', 2, delayMs, run);
  },
};

async function measure(plan: PlanType, nodes: number, delayMs: number, run: BenchRun): Promise<void> {
  const { quick, report, say, signal } = run;
  const { dataDir } = await importedBenchModel(run, 'i8');
  const name = `first-token.${plan}${delayMs > 0 ? `.${delayMs}ms` : ''}`;
  say(`plan ${plan}, ${nodes} nodes, ${delayMs} ms`);
  const model = { dataDir, name: benchName(quick) };
  await using network = await LocalNetwork.start(run, { delayMs, nodes, model });
  const ask = async (prompt: readonly number[]) => {
    const { gateway, model } = network;
    return (await generate({ gateway, model, plan, prompt, tokens: 1, speculation: 'off', signal })).msToFirstToken;
  };
  const first: number[] = [];
  const again: number[] = [];
  const changed: number[] = [];
  for (let round = 0; round < WARM_UP + (quick ? 3 : 5); round++) {
    const prompt = promptTokens(PROMPT_TOKENS, SMALLEST_VOCABULARY, 1 + round);
    const ending = promptTokens(DIFFERENT, SMALLEST_VOCABULARY, 1001 + round);
    const times = [
      await ask(prompt),
      await ask(prompt),
      await ask([...prompt.slice(0, -DIFFERENT), ...ending]),
    ] as const;
    if (round < WARM_UP) continue;
    first.push(times[0]);
    again.push(times[1]);
    changed.push(times[2]);
  }
  const goal = delayMs > 0 ? {} : { goal: { ratioBelow: GOAL } };
  const limit = { limit: shortest(first), against: 'the first time', ...goal };
  const note = `first time ${rangeOf(first)
    .map((ms) => ms.toFixed(0))
    .join(' to ')} ms`;
  report(figure(`${name}.again`, shortest(again), 'ms', { ...limit, range: rangeOf(again), note }));
  report(
    figure(`${name}.last-${DIFFERENT}-differ`, shortest(changed), 'ms', {
      ...limit,
      range: rangeOf(changed),
    }),
  );
}
