import type { PlanType } from '@blyan/interface';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { importedBenchModel, promptTokens, ROUND } from '../model/bench-model.ts';
import { type Answer, type GenerateOptions, generate } from '../network/generate.ts';
import { LocalNetwork } from '../network/local-network.ts';
import { median, rangeOf } from '../stats.ts';

/** Round trip of every link. */
const DELAY_MS = 20;
const PLANS: readonly PlanType[] = ['local', 'pipeline'];
const SMALLEST_VOCABULARY = 300;
const LOCAL_ROUNDS = 30;
const PROMPT_TOKENS = 16;
/** Greedy text of the round model goes round after about 60 tokens, with a period of about 60; then it is the prompt. */
const UNTIL_ROUND = 400;
/** Five times what llama.cpp reaches through two rpc-servers at this delay (12.0 on a quiet machine like that of the others). */
const REPEATING_GOAL = 60;
const QUESTIONS = [
  'What is a mixture of experts?',
  'Tell me a story about a lighthouse.',
  'Explain why the sky is blue.',
  'Give me three tips for learning to cook.',
  'Who was Ada Lovelace?',
  'Write a poem about rain.',
];

type Text = Pick<GenerateOptions, 'prompt' | 'temperature' | 'seed' | 'mayEnd'>;

export const speculation: Benchmark = {
  name: 'speculation',
  about: `Answers with drafts (auto) and without (off), in turn, their tokens compared. A chat with the genesis model, greedy and at temperature 1, and
text that repeats itself: the bench model with layers that add next to nothing, so that greedy text goes round. Plan local, and pipeline
over three daemons with ${DELAY_MS} ms round trips. The limit is the same answers without drafts. The ratio is the median of pairs, an answer
with and the same one without; the note has the sums, what was learned in the first rounds included.`,
  async run(run) {
    await measureGenesis(run);
    await measureRound(run);
  },
};

async function measureGenesis(run: BenchRun): Promise<void> {
  await using network = await LocalNetwork.start(run, { delayMs: DELAY_MS });
  const chat = QUESTIONS.map((question): Text => ({ prompt: { question }, mayEnd: true }));
  for (const plan of PLANS) {
    await compare('chat', plan, chat, network, run);
    const sampled = chat.map((text, index) => ({ ...text, temperature: 1, seed: index + 1 }));
    await compare('temperature-1', plan, sampled, network, run);
  }
}

async function measureRound(run: BenchRun): Promise<void> {
  const { name, dataDir } = await importedBenchModel(run, 'i8', ROUND);
  await using network = await LocalNetwork.start(run, { delayMs: DELAY_MS, model: { dataDir, name } });
  const { gateway, model } = network;
  const prompt = promptTokens(PROMPT_TOKENS, SMALLEST_VOCABULARY);
  const begun = await generate({ gateway, model, plan: 'local', prompt, tokens: UNTIL_ROUND, signal: run.signal });
  const texts = [{ prompt: begun.tokenIds }];
  for (const plan of PLANS) await compare('repeating', plan, texts, network, run);
}

async function compare(
  name: string,
  plan: PlanType,
  texts: readonly Text[],
  { gateway, model }: LocalNetwork,
  { quick, report, say, signal }: BenchRun,
): Promise<void> {
  // An answer of a few dozen milliseconds differs from the next by a tenth.
  const rounds = quick ? 3 : plan === 'local' && texts.length > 1 ? LOCAL_ROUNDS : 6;
  const ask = (text: Text, choice: 'auto' | 'off') =>
    generate({ gateway, model, plan, tokens: quick ? 64 : 128, signal, speculation: choice, ...text });
  say(`${plan}, ${name}`);
  // Loads blocks and brings code to speed. What drafts are worth is learned in the rounds, as it would be.
  for (const text of texts) await ask(text, 'off');
  const on: Answer[] = [];
  const off: Answer[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [index, text] of texts.entries()) {
      for (const choice of (round + index) % 2 === 0 ? (['auto', 'off'] as const) : (['off', 'auto'] as const))
        (choice === 'auto' ? on : off).push(await ask(text, choice));
    }
  }
  const differs = on.findIndex(({ tokenIds }, index) => String(tokenIds) !== String(off[index]?.tokenIds));
  if (differs >= 0) throw new Error(`${plan}, ${name}: drafts changed the tokens of answer ${differs}`);
  const ratios = on.map((answer, index) => decodeMs(off[index] as Answer) / decodeMs(answer));
  const plain = median(off.map(speed));
  const tokens = sum(on.map(({ tokenIds }) => tokenIds.length));
  const drafted = sum(on.map(({ blyan }) => blyan.speculation?.drafted ?? 0));
  const accepted = sum(on.map(({ blyan }) => blyan.speculation?.accepted ?? 0));
  const all = sum(off.map(decodeMs)) / sum(on.map(decodeMs));
  const first = sum(off.slice(0, texts.length).map(decodeMs)) / sum(on.slice(0, texts.length).map(decodeMs));
  report(
    figure(`speculation.${plan}.${name}`, plain * median(ratios), 'tokens/s', {
      limit: plain,
      against: 'without drafts',
      goal: name === 'repeating' && plan === 'pipeline' ? { atLeast: REPEATING_GOAL } : { ratioAtLeast: 0.98 },
      range: rangeOf(on.map(speed)),
      note: `median of ${ratios.length} pairs; ${tokens} tokens, drafted ${drafted}, accepted ${accepted}; ratio of the first round ${first.toFixed(2)}, of all ${all.toFixed(3)}`,
    }),
  );
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const speed = ({ msPerToken }: Answer) => 1000 / msPerToken;
const decodeMs = ({ msPerToken, tokenIds }: Answer) => msPerToken * (tokenIds.length - 1);
