import { type BlyanAnswer, type BlyanChunk, readSse, SSE_DONE } from '@blyan/api';
import type { Failover, PlanChoice, SpeculationChoice } from '@blyan/interface';

export interface Question {
  readonly gateway: string;
  readonly model: string;
  readonly prompt: readonly number[];
  /** Exactly so many tokens come. */
  readonly tokens: number;
  readonly plan: PlanChoice;
  readonly speculation: SpeculationChoice;
  readonly signal: AbortSignal;
  /** Called as each token comes in. */
  readonly onToken?: (index: number) => void;
}

export interface DrillAnswer {
  readonly tokens: readonly number[];
  /** When each token came, `performance.now()`. */
  readonly arrivalsMs: readonly number[];
  readonly blyan: BlyanAnswer;
  readonly failovers: readonly Failover[];
}

/** One streamed greedy completion, its tokens with the moments they came. @throws Error when it breaks or is cut short */
export async function ask(question: Question): Promise<DrillAnswer> {
  const { gateway, tokens: wanted, signal, onToken } = question;
  const response = await fetch(`${gateway}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(completionBody(question)),
    signal,
  });
  if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  const tokens: number[] = [];
  const arrivalsMs: number[] = [];
  let blyan: BlyanAnswer | null = null;
  for await (const data of readSse(response.body)) {
    if (data === SSE_DONE) break;
    const chunk = JSON.parse(data) as { error?: unknown; blyan?: BlyanChunk };
    if (chunk.error !== undefined) throw new Error(`the stream broke after ${tokens.length} tokens: ${data}`);
    if (chunk.blyan?.token_id !== undefined) {
      tokens.push(chunk.blyan.token_id);
      arrivalsMs.push(performance.now());
      onToken?.(tokens.length - 1);
    }
    if (chunk.blyan?.measured !== undefined) blyan = chunk.blyan as BlyanAnswer;
  }
  if (tokens.length !== wanted || blyan === null) throw new Error(`${tokens.length} of ${wanted} tokens came`);
  return { tokens, arrivalsMs, blyan, failovers: blyan.failovers ?? [] };
}

/** Greedy, whatever the end tokens say, one chunk per token. */
export function completionBody(
  question: Pick<Question, 'model' | 'prompt' | 'tokens' | 'plan' | 'speculation'>,
): object {
  const { model, prompt, tokens, plan, speculation } = question;
  const blyan = { plan, speculation, return_token_ids: true };
  return { model, prompt, max_tokens: tokens, temperature: 0, stream: true, ignore_eos: true, blyan };
}
