import { type BlyanAnswer, type BlyanChunk, readSse } from '@blyan/api';
import type { PlanType } from '@blyan/interface';

export interface GenerateOptions {
  readonly gateway: string;
  readonly model: string;
  readonly plan: PlanType;
  readonly prompt: readonly number[];
  readonly tokens: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  /** Between the first and the last token, as this client saw them come. */
  readonly msPerToken: number;
  readonly msToFirstToken: number;
  readonly blyan: BlyanAnswer;
}

/** One streamed, greedy completion of exactly so many tokens, timed where it is received. */
export async function generate(options: GenerateOptions): Promise<Answer> {
  const { gateway, model, plan, prompt, tokens, signal } = options;
  const started = performance.now();
  const response = await fetch(`${gateway}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      prompt,
      max_tokens: tokens,
      temperature: 0,
      stream: true,
      ignore_eos: true,
      blyan: { plan, return_token_ids: true },
    }),
    signal,
  });
  if (!response.ok || response.body === null)
    throw new Error(`${plan}: HTTP ${response.status}: ${await response.text()}`);
  const arrivals: number[] = [];
  let blyan: BlyanAnswer | null = null;
  for await (const data of readSse(response.body)) {
    if (data === '[DONE]') break;
    const chunk = JSON.parse(data) as { error?: unknown; blyan?: BlyanChunk };
    if (chunk.error !== undefined) throw new Error(`${plan}: ${data}`);
    if (chunk.blyan?.token_id !== undefined) arrivals.push(performance.now());
    if (chunk.blyan?.measured !== undefined) blyan = chunk.blyan as BlyanAnswer;
  }
  if (arrivals.length !== tokens || blyan === null)
    throw new Error(`${plan}: ${arrivals.length} of ${tokens} tokens came`);
  const [first, last] = [arrivals[0] as number, arrivals.at(-1) as number];
  return { msPerToken: (last - first) / (tokens - 1), msToFirstToken: first - started, blyan };
}
