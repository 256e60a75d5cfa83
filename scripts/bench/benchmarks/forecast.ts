import { PLAN_TYPES, type PlanType } from '@blyan/interface';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { promptTokens } from '../model/bench-model.ts';
import { type Answer, generate } from '../network/generate.ts';
import { LocalNetwork } from '../network/local-network.ts';
import { median } from '../stats.ts';

const DELAYS_MS = [0, 10, 40];
const QUICK_DELAYS_MS = [0, 20];
const PROMPT_TOKENS = 16;
const SMALLEST_VOCABULARY = 300;
const WARM_UP = 3;
const WARM_UP_TOKENS = 10;
/** Measured times closer than this have no order. */
const TIE = 0.1;
const GOAL = 0.3;

export const forecast: Benchmark = {
  name: 'forecast',
  about: `The coordinator's forecast of milliseconds per token against what the answer then took, for every plan of a network of three daemons
over several delays, after ${WARM_UP} answers under each plan from which it learns. The error is |forecast / measured - 1| of medians; plans are
ranked right when no plan that was slower by more than ${TIE * 100} % was forecast to be faster.`,
  async run(run) {
    const errors: number[] = [];
    const orders: string[] = [];
    let ranked = 0;
    const delays = run.quick ? QUICK_DELAYS_MS : DELAYS_MS;
    for (const delayMs of delays) {
      const seen = await measureDelay(delayMs, run);
      for (const { plan, forecastMs, measuredMs, firstForecastMs } of seen) {
        const error = Math.abs(forecastMs / measuredMs - 1);
        errors.push(error);
        run.report(
          figure(`forecast.${delayMs}ms.${plan}`, forecastMs, 'ms', {
            limit: measuredMs,
            against: 'measured per token',
            note: `error ${(error * 100).toFixed(0)} %; ${firstForecastMs.toFixed(1)} ms before any answer`,
          }),
        );
      }
      if (isRankedRight(seen)) ranked++;
      const order = [...seen].sort((a, b) => a.measuredMs - b.measuredMs).map(({ plan }) => plan);
      orders.push(`${delayMs} ms: ${order.join(' < ')}`);
    }
    run.report(figure('forecast.worst-error', Math.max(...errors) * 100, '%', { goal: { below: GOAL * 100 } }));
    run.report(
      figure('forecast.ranked-right', ranked, `of ${delays.length}`, {
        goal: { atLeast: delays.length },
        note: `measured at ${orders.join('; at ')}`,
      }),
    );
  },
};

interface Seen {
  readonly plan: PlanType;
  readonly forecastMs: number;
  readonly measuredMs: number;
  readonly firstForecastMs: number;
}

async function measureDelay(delayMs: number, run: BenchRun): Promise<Seen[]> {
  const { quick, say, signal } = run;
  await using network = await LocalNetwork.start(run, { delayMs });
  await network.roundTripMs(signal);
  const { gateway, model } = network;
  const prompt = promptTokens(PROMPT_TOKENS, SMALLEST_VOCABULARY);
  const seen: Seen[] = [];
  for (const plan of PLAN_TYPES) {
    say(`${delayMs} ms, ${plan}`);
    const ask = (tokens: number) => generate({ gateway, model, plan, prompt, tokens, signal });
    const warm: Answer[] = [];
    for (let round = 0; round < WARM_UP; round++) warm.push(await ask(WARM_UP_TOKENS));
    // Answers take about as long whatever the delay.
    const usual = median(warm.map(({ msPerToken }) => msPerToken));
    const tokens = Math.max(8, Math.min(48, Math.round((quick ? 700 : 2000) / usual)));
    const answers: Answer[] = [];
    for (let round = 0; round < (quick ? 2 : 3); round++) answers.push(await ask(tokens));
    seen.push({
      plan,
      forecastMs: median(answers.map(({ blyan }) => blyan.forecast.msPerToken)),
      measuredMs: median(answers.map(({ msPerToken }) => msPerToken)),
      firstForecastMs: warm[0]?.blyan.forecast.msPerToken ?? Number.NaN,
    });
  }
  return seen;
}

function isRankedRight(seen: readonly Seen[]): boolean {
  return seen.every((a) => seen.every((b) => a.measuredMs * (1 + TIE) >= b.measuredMs || a.forecastMs <= b.forecastMs));
}
