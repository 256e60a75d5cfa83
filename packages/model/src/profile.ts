import { ModelError } from './errors.ts';
import { QUANT_BLOCK } from './quantise.ts';
import type { CanonicalMap } from './spec-codec.ts';

/** The arithmetic a model's blocks were made for; logits are comparable to the bit only within one profile. */
export interface ModelProfile {
  readonly runtime: string;
  readonly quantBlock: number;
  /** Version of the rules by which graphs are made from blocks. */
  readonly emitter: number;
}

export const MODEL_PROFILE: ModelProfile = { runtime: 'onnxruntime 1.30.0', quantBlock: QUANT_BLOCK, emitter: 1 };

/** @throws ModelError ERR_MODEL_MANIFEST */
export function profileFromCanonical(value: unknown): ModelProfile {
  const { runtime, quantBlock, emitter, ...rest } = (value ?? {}) as CanonicalMap;
  const isSmall = (number: unknown) =>
    Number.isSafeInteger(number) && (number as number) >= 1 && (number as number) <= 65_536;
  const isText = typeof runtime === 'string' && /^[\x20-\x7e]{1,64}$/.test(runtime);
  if (isText && isSmall(quantBlock) && isSmall(emitter) && Object.keys(rest).length === 0) {
    return { runtime, quantBlock: quantBlock as number, emitter: emitter as number };
  }
  throw new ModelError('ERR_MODEL_MANIFEST', 'The model manifest has no valid arithmetic profile.');
}
