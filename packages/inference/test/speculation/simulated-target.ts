/** A language of which every token is a pure function of the tokens before it. */
export type Target = (prefix: readonly number[]) => number;

export interface TargetOptions {
  readonly seed: number;
  readonly vocabulary: number;
  /** Probability that a token is the one `period` tokens ago. */
  readonly repeats: number;
  readonly period: number;
  /** Probability of token 0, the end. */
  readonly ends?: number;
}

/** Sees the last three tokens, the position and the token a period ago; not the answer's past as a whole. */
export function repetitiveTarget({ seed, vocabulary, repeats, period, ends = 0 }: TargetOptions): Target {
  return (prefix) => {
    const length = prefix.length;
    let hash = seed;
    for (const part of [length, prefix[length - 1] ?? 0, prefix[length - 2] ?? 0, prefix[length - 3] ?? 0])
      hash = mix(hash ^ part);
    if (unit(hash) < ends) return 0;
    const again = prefix[length - period];
    if (again !== undefined && again !== 0 && unit(mix(hash ^ 0x51ed)) < repeats) return again;
    return 1 + (mix(hash ^ 0x2545f491) % (vocabulary - 1));
  };
}

/** A phrase of `length` tokens again and again, with a few random tokens between. */
export function phraseTarget(seed: number, length: number): Target {
  return (prefix) => {
    const index = prefix.length % (length + 7);
    return index < length ? 2 + index : 1 + (mix(seed ^ mix(prefix.length)) % 1000);
  };
}

/** Text that repeats itself and text that does not, `length` tokens each in turn. */
export function changingTarget(seed: number, length: number): Target {
  const options = { seed, vocabulary: 1000, period: 9 };
  const repeating = repetitiveTarget({ ...options, repeats: 1 });
  const random = repetitiveTarget({ ...options, repeats: 0 });
  return (prefix) => (Math.floor(prefix.length / length) % 2 === 1 ? repeating(prefix) : random(prefix));
}

export function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function unit(hash: number): number {
  return hash / 2 ** 32;
}

/** What plain decoding gives. */
export function plainAnswer(target: Target, prompt: readonly number[], limit: number): number[] {
  const text = [...prompt];
  while (text.length < prompt.length + limit) {
    const token = target(text);
    if (token === 0) break;
    text.push(token);
  }
  return text.slice(prompt.length);
}
