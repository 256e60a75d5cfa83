import { PLAN_TYPES, type PlanChoice, type PlanType } from '@blyan/interface';
import type { NetworkClient } from './devnet.ts';

export { PLAN_TYPES, type PlanType };

/** What one greedy request gave, as numbers. */
export interface GreedyAnswer {
  readonly plan: PlanType;
  readonly tokens: readonly number[];
  /** Per token, base64 of its row. */
  readonly rows: readonly string[];
}

/** Greedy, whatever the end tokens say, with ids and full logits. */
export function greedyBody(prompt: string | readonly number[], plan: PlanChoice, maxTokens: number): object {
  const blyan = { plan, return_token_ids: true, return_logits: 'f32' };
  return { prompt, max_tokens: maxTokens, temperature: 0, ignore_eos: true, blyan };
}

export async function greedy(
  net: NetworkClient,
  prompt: string | readonly number[],
  plan: PlanChoice,
  maxTokens: number,
): Promise<GreedyAnswer> {
  const { blyan } = await net.complete(greedyBody(prompt, plan, maxTokens));
  return { plan: blyan.plan, tokens: blyan.token_ids ?? [], rows: blyan.logits ?? [] };
}

export function floatsOf(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

/** Largest absolute difference of two rows of one length. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`rows of ${a.length} and ${b.length} values`);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}
