import { modelView } from '@blyan/inference';
import type { RouteEntry } from '@blyan/interface';
import { type ModelSpec, openTokenizer } from '@blyan/model';
import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { GENESIS_QUESTIONS, importedGenesisModel } from '../model/genesis-model.ts';
import { greedyText } from '../model/greedy-text.ts';
import { openEngine } from '../model/open-engine.ts';
import { type Answer, generate } from '../network/generate.ts';
import { LocalNetwork } from '../network/local-network.ts';

const COVERAGES = [0.75, 0.8, 0.85, 0.9];
const GOAL_AT = 0.9;
/** At least 70 % fewer. */
const GOAL = 0.3;
const MOST_TOKENS = 48;

export const delegate: Benchmark = {
  name: 'delegate',
  about: `Network round trips of static_delegate against dynamic: ${GENESIS_QUESTIONS.length} questions to the genesis model, greedy answers to their ends. The coordinator
holds no expert; the delegate holds those that prompts and answers choose most often, counted on one node beforehand, as many as come nearest to the
coverage; a third node holds the rest. Counted from \`route\`: dynamic, one round trip per layer and step (its calls go out together);
static_delegate, the calls of the delegate to the third node, one for its start, and one per layer for the pass that predicts the experts.`,
  async run(run) {
    const { report, say, signal } = run;
    const model = await importedGenesisModel(run);
    const { spec, files } = model.manifest;
    const tokenizer = openTokenizer(files.tokenizerJson ?? '', files.tokenizerConfigJson ?? '{}');
    const questions = run.quick ? GENESIS_QUESTIONS.slice(0, 6) : GENESIS_QUESTIONS;
    const prompts = questions.map((content) => tokenizer.encodeChat([{ role: 'user', content }]));
    say('counting which experts are chosen');
    const counts = new Float64Array(spec.layerCount * spec.expertCount);
    {
      const view = modelView(model.manifest);
      await using open = await openEngine(model.blocksDir, view);
      for (const prompt of prompts) {
        const { usage } = await greedyText(open.engine, view, prompt, MOST_TOKENS, { mayEnd: true });
        usage.expertRows.forEach((rows, index) => {
          counts[index] = (counts[index] ?? 0) + rows;
        });
      }
    }
    for (const coverage of run.quick ? [GOAL_AT] : COVERAGES) {
      say(`coverage ${coverage}`);
      const hosted = hottest(counts, coverage);
      const hosts = hostSpecs(hosted.experts, spec);
      await using network = await LocalNetwork.start(run, { delayMs: 0, hosts, model });
      const sums = { dynamic: 0, missed: 0, fixed: 0, tokens: 0 };
      for (const prompt of prompts) {
        const ask = (plan: 'dynamic' | 'static_delegate') =>
          generate({
            ...{ gateway: network.gateway, model: network.model, plan, prompt, tokens: MOST_TOKENS, signal },
            ...{ mayEnd: true, speculation: 'off' },
          });
        const dynamic = await ask('dynamic');
        const delegated = await ask('static_delegate');
        if (String(dynamic.tokenIds) !== String(delegated.tokenIds)) throw new Error('the plans gave different tokens');
        sums.dynamic += dynamicRoundTrips(dynamic, spec);
        sums.missed += missedCalls(delegated);
        sums.fixed += 1 + spec.layerCount;
        sums.tokens += dynamic.tokenIds.length;
      }
      const perToken = (sums.missed + sums.fixed) / sums.tokens;
      const fewer = (roundTrips: number) => `${(100 * (1 - roundTrips / sums.dynamic)).toFixed(1)} % fewer`;
      report(
        figure(`delegate.coverage-${coverage * 100}`, perToken, 'round trips', {
          limit: sums.dynamic / sums.tokens,
          against: 'a token under dynamic',
          ...(coverage === GOAL_AT ? { goal: { ratioBelow: GOAL } } : {}),
          note:
            `${fewer(sums.missed + sums.fixed)}; ${fewer(sums.missed + prompts.length)} without the predicting pass; ` +
            `${hosted.experts.length} of ${counts.length} experts make ${(hosted.share * 100).toFixed(1)} %, ${sums.tokens} tokens`,
        }),
      );
    }
  },
};

interface Expert {
  readonly layer: number;
  readonly expert: number;
}

/** The experts, of all layers together, that were chosen most often, as many as come nearest to this share of all choices. */
function hottest(counts: Float64Array, coverage: number): { experts: readonly number[]; share: number } {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const ranked = [...counts.keys()].sort((a, b) => (counts[b] as number) - (counts[a] as number) || a - b);
  const experts: number[] = [];
  let held = 0;
  for (const index of ranked) {
    const count = counts[index] as number;
    if (held + count / 2 >= coverage * total) break;
    experts.push(index);
    held += count;
  }
  return { experts, share: held / total };
}

/** Coordinator, delegate, holder of the rest. */
function hostSpecs(experts: readonly number[], { layerCount, expertCount }: ModelSpec): string[] {
  const all = Array.from({ length: layerCount * expertCount }, (_, index) => index);
  const named = (indexes: readonly number[]) =>
    indexes.map((index): Expert => ({ layer: Math.floor(index / expertCount), expert: index % expertCount }));
  const text = (indexes: readonly number[]) =>
    named(indexes)
      .map(({ layer, expert }) => `experts:${layer}.${expert}`)
      .join(',');
  const rest = all.filter((index) => !experts.includes(index));
  return ['embedding,head,trunk', `embedding,head,trunk,${text(experts)}`, text(rest)];
}

/** The coordinator holds no expert: every layer of every step is one round trip, to one holder or to two at once. */
function dynamicRoundTrips({ blyan: { route = [] } }: Answer, { layerCount }: ModelSpec): number {
  const steps = sum(route.filter(({ role }) => role === 'stage'));
  const calls = route.filter(({ role }) => role === 'experts').map((entry) => entry.calls);
  const roundTrips = steps * layerCount;
  if (calls.length === 0 || Math.max(...calls) > roundTrips || calls.reduce((a, b) => a + b) < roundTrips)
    throw new Error(`${calls.join(' and ')} expert calls do not fit ${roundTrips} layers computed`);
  return roundTrips;
}

/** Only one node holds what the delegate lacks, so that each of these calls is a layer that waits for one. */
function missedCalls({ blyan: { route = [] } }: Answer): number {
  const holders = route.filter(({ role }) => role === 'experts');
  if (holders.length > 1) throw new Error(`the delegate called ${holders.length} nodes, not one`);
  return sum(holders);
}

const sum = (entries: readonly Pick<RouteEntry, 'calls'>[]) => entries.reduce((total, { calls }) => total + calls, 0);
