import type { SamplingParams, TokenLogprob } from '@blyan/interface';
import { InferenceError } from './errors.ts';
import { uniformAt } from './random.ts';

/** The id of the largest logit; the lowest id on ties. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  let top = logits[0] as number;
  for (let id = 1; id < logits.length; id++) {
    const logit = logits[id] as number;
    if (logit > top) {
      best = id;
      top = logit;
    }
  }
  return best;
}

/** Ids of the k largest logits, largest first, lower id first on ties. */
export function largest(logits: Float32Array, k: number): number[] {
  const before = (a: number, b: number) => (logits[b] as number) - (logits[a] as number) || a - b;
  if (k >= logits.length) return Array.from(logits.keys()).sort(before);
  // A heap whose root is the worst of the kept.
  const heap: number[] = [];
  const worse = (a: number, b: number) => before(a, b) > 0;
  for (let id = 0; id < logits.length; id++) {
    if (heap.length < k) {
      heap.push(id);
      for (let i = heap.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1;
        if (!worse(heap[i] as number, heap[parent] as number)) break;
        [heap[i], heap[parent]] = [heap[parent] as number, heap[i] as number];
        i = parent;
      }
    } else if (worse(heap[0] as number, id)) {
      heap[0] = id;
      for (let i = 0; ; ) {
        let child = 2 * i + 1;
        if (child >= k) break;
        if (child + 1 < k && worse(heap[child + 1] as number, heap[child] as number)) child++;
        if (!worse(heap[child] as number, heap[i] as number)) break;
        [heap[i], heap[child]] = [heap[child] as number, heap[i] as number];
        i = child;
      }
    }
  }
  return heap.sort(before);
}

/** @throws InferenceError ERR_INFERENCE_NOT_FINITE when a logit is NaN or infinite. */
export function assertFinite(logits: Float32Array): void {
  // By index: an iterator leaves 12 KiB of garbage a token. Four sums: each addition waits for the one before it.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = logits.length & ~3;
  for (let id = 0; id < whole; id += 4) {
    a += logits[id] as number;
    b += logits[id + 1] as number;
    c += logits[id + 2] as number;
    d += logits[id + 3] as number;
  }
  for (let id = whole; id < logits.length; id++) a += logits[id] as number;
  if (!Number.isFinite(a + b + c + d)) {
    throw new InferenceError(
      'ERR_INFERENCE_NOT_FINITE',
      'The model gave a logit that is not a number; its weights are broken or not made for this engine.',
    );
  }
}

/**
 * The logits with all tokens that a mask leaves out at minus infinity, and how many are left.
 * @throws InferenceError ERR_INFERENCE_RANGE when the mask is of another vocabulary or leaves none
 */
export function withMask(logits: Float32Array, mask: Uint8Array): { allowed: Float32Array; count: number } {
  const allowed = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
  let count = 0;
  for (let id = 0; id < logits.length; id++) {
    if (((mask[id >> 3] as number) & (1 << (id & 7))) === 0) continue;
    allowed[id] = logits[id] as number;
    count++;
  }
  if (count > 0 && mask.length === Math.ceil(logits.length / 8)) return { allowed, count };
  const message = 'A mask must have a bit for every token of the vocabulary, and at least one that is set.';
  throw new InferenceError('ERR_INFERENCE_RANGE', message, { kind: 'peer' });
}

/** How many of the likeliest tokens are looked at first: sorting a whole vocabulary would take longer than a layer. */
const FIRST_LOOK = 64;
const NEXT_LOOK = 8;

/**
 * Draws the token at an absolute position. Temperature 0 is greedy. Otherwise: divide by the temperature, keep the
 * top k, soften to probabilities, keep the smallest set whose mass reaches top p, draw by (seed, position).
 *
 * @param count logits above minus infinity; the others are not drawn
 */
export function sampleToken(
  logits: Float32Array,
  params: SamplingParams,
  position: number,
  count: number = logits.length,
): number {
  if (params.temperature === 0) return argmax(logits);
  const isCut = params.topK > 0 && params.topK < count;
  const allowed = isCut ? params.topK : count;
  let order = largest(logits, isCut ? allowed : Math.min(FIRST_LOOK, allowed));
  const top = logits[order[0] as number] as number;
  const weight = (id: number) => Math.exp(((logits[id] as number) - top) / params.temperature);
  let total = 0;
  for (const id of isCut ? order : logits.keys()) total += weight(id);
  const mass = params.topP < 1 ? reach((sum) => sum >= params.topP * total).sum : total;
  const target = uniformAt(params.seed, position) * mass;
  return reach((sum) => sum > target).id;

  /** The likeliest tokens up to the one whose weight makes the sum enough. */
  function reach(isEnough: (sum: number) => boolean): { id: number; sum: number } {
    let sum = 0;
    for (let index = 0; ; index++) {
      if (index === order.length) order = largest(logits, Math.min(allowed, order.length * NEXT_LOOK));
      const id = order[index] as number;
      sum += weight(id);
      // The last one also when rounding keeps the sum just below.
      if (isEnough(sum) || index === allowed - 1) return { id, sum };
    }
  }
}

/** Natural logarithms of the probabilities of a token and of the `count` likeliest, of the untempered distribution. */
export function logprobs(
  logits: Float32Array,
  tokenId: number,
  count: number,
): { logprob: TokenLogprob; topLogprobs: TokenLogprob[] } {
  let top = Number.NEGATIVE_INFINITY;
  for (const value of logits) top = Math.max(top, value);
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - top);
  const normaliser = top + Math.log(sum);
  const of = (id: number): TokenLogprob => ({ tokenId: id, logprob: (logits[id] as number) - normaliser });
  return { logprob: of(tokenId), topLogprobs: largest(logits, count).map(of) };
}
