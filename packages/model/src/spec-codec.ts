import { ModelError } from './errors.ts';
import { type ModelSpec, validateModelSpec } from './spec.ts';

/** A decoded canonical value that is a map. */
export type CanonicalMap = Readonly<Record<string, unknown>>;

const REAL_FIELDS = ['rmsNormEps', 'ropeTheta', 'clipQkv'] as const;
const FIELDS = [
  'architecture',
  'hiddenSize',
  'layerCount',
  'headCount',
  'kvHeadCount',
  'headDim',
  'vocabSize',
  'expertCount',
  'expertsPerToken',
  'expertFfnSize',
  'sharedExpertFfnSize',
  'sliceCount',
  'rmsNormEps',
  'ropeTheta',
  'contextLength',
  'qkNorm',
  'attentionBias',
  'normTopkProb',
  'tieEmbeddings',
  'clipQkv',
  'eosTokenIds',
  'bosTokenId',
] as const satisfies readonly (keyof ModelSpec)[];

/** The spec as a canonical value: real numbers become their shortest decimal string (ECMAScript Number::toString). */
export function specToCanonical(spec: ModelSpec): {
  [K in keyof ModelSpec]: Exclude<ModelSpec[K], undefined> | string;
} {
  const map: Record<string, unknown> = {};
  for (const field of FIELDS) map[field] = spec[field];
  for (const field of REAL_FIELDS) if (spec[field] !== null) map[field] = String(spec[field]);
  return map as { [K in keyof ModelSpec]: ModelSpec[K] };
}

function parseReal(field: string, value: unknown): number {
  const number = typeof value === 'string' && value.length <= 32 ? Number(value) : Number.NaN;
  if (Number.isFinite(number) && String(number) === value) return number;
  throw new ModelError('ERR_MODEL_SPEC', `Invalid model spec: ${field} is not a shortest decimal string.`, {
    meta: { field },
  });
}

/**
 * The inverse of `specToCanonical`, for values from disk or peers.
 * @throws ModelError ERR_MODEL_SPEC for missing, unknown or out-of-range fields
 */
export function specFromCanonical(value: unknown): ModelSpec {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new ModelError('ERR_MODEL_SPEC', 'Invalid model spec: not a map.');
  }
  const map: Record<string, unknown> = { ...value };
  for (const field of FIELDS) {
    if (map[field] === undefined) {
      throw new ModelError('ERR_MODEL_SPEC', `Invalid model spec: ${field} is missing.`, { meta: { field } });
    }
  }
  const unknown = Object.keys(map).find((key) => !(FIELDS as readonly string[]).includes(key));
  if (unknown !== undefined) {
    throw new ModelError('ERR_MODEL_SPEC', 'Invalid model spec: it has an unknown field.', {
      meta: { field: unknown.slice(0, 64) },
    });
  }
  for (const field of REAL_FIELDS) if (map[field] !== null) map[field] = parseReal(field, map[field]);
  return validateModelSpec(map as unknown as ModelSpec);
}
