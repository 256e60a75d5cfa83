import { type BlyanAnswer, type BlyanChunk, readSse } from '@blyan/api';
import type { PlanChoice, SpeculationChoice } from '@blyan/interface';

export interface GenerateOptions {
  readonly gateway: string;
  readonly model: string;
  readonly plan: PlanChoice;
  /** Token ids, a text, or a question in a chat. */
  readonly prompt: readonly number[] | string | { readonly question: string };
  /** Exactly so many, unless the answer may end. */
  readonly tokens: number;
  readonly mayEnd?: boolean;
  /** Greedy when left out; the seed makes the draws the same each time. */
  readonly temperature?: number;
  readonly seed?: number;
  readonly speculation?: SpeculationChoice;
  readonly signal: AbortSignal;
  /** Called as each token comes in. */
  readonly onToken?: (index: number) => void;
}

export interface Answer {
  /** Between the first and the last token, as this client saw them come; not a number when there is but one. */
  readonly msPerToken: number;
  readonly msToFirstToken: number;
  /** When each token came, on the clock of `performance.now`. */
  readonly arrivals: readonly number[];
  readonly tokenIds: readonly number[];
  readonly blyan: BlyanAnswer;
}

/** One streamed completion timed where it is received. */
export async function generate(options: GenerateOptions): Promise<Answer> {
  const {
    gateway,
    model,
    plan,
    prompt,
    tokens,
    mayEnd = false,
    temperature = 0,
    seed = 0,
    speculation,
    signal,
  } = options;
  const started = performance.now();
  const asked =
    typeof prompt === 'object' && 'question' in prompt
      ? { path: 'chat/completions', input: { messages: [{ role: 'user', content: prompt.question }] } }
      : { path: 'completions', input: { prompt } };
  const response = await fetch(`${gateway}/v1/${asked.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      ...asked.input,
      max_tokens: tokens,
      temperature,
      seed,
      stream: true,
      ignore_eos: !mayEnd,
      blyan: { plan, speculation, return_token_ids: true },
    }),
    signal,
  });
  if (!response.ok || response.body === null)
    throw new Error(`${plan}: HTTP ${response.status}: ${await response.text()}`);
  const arrivals: number[] = [];
  const tokenIds: number[] = [];
  let blyan: BlyanAnswer | null = null;
  for await (const data of readSse(response.body)) {
    if (data === '[DONE]') break;
    const chunk = JSON.parse(data) as { error?: unknown; blyan?: BlyanChunk };
    if (chunk.error !== undefined) throw new Error(`${plan}: ${data}`);
    if (chunk.blyan?.token_id !== undefined) {
      arrivals.push(performance.now());
      tokenIds.push(chunk.blyan.token_id);
      options.onToken?.(tokenIds.length - 1);
    }
    if (chunk.blyan?.measured !== undefined) blyan = chunk.blyan as BlyanAnswer;
  }
  const enough = mayEnd ? arrivals.length > 1 : arrivals.length === tokens;
  if (!enough || blyan === null) throw new Error(`${plan}: ${arrivals.length} of ${tokens} tokens came`);
  const [first, last] = [arrivals[0] as number, arrivals.at(-1) as number];
  const msPerToken = (last - first) / (arrivals.length - 1);
  return { msPerToken, msToFirstToken: first - started, arrivals, tokenIds, blyan };
}
