import { MAX_BLOCKS, MAX_EXPERTS_PER_LAYER, MAX_LAYERS } from '@blyan/params';
import { z } from 'zod';
import { isVersion } from './semver.ts';

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'no bytes');

/** A key, root or hash in a body. */
export const bytes32 = bytes.refine(({ length }) => length === 32, 'not 32 bytes');

/** Most slices an expert may be cut into. */
export const MAX_EXPERT_SLICES = 64;

/** As `isModelName` of `@blyan/model` has it. */
export const modelName = z.string().regex(/^(?![0-9a-f]{64}$)[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'no model name');
export const modelVersion = z.string().refine(isVersion, 'no semantic version');

/** Roots of an expert's slices, 32 bytes each, joined. */
export const expertRoots = bytes.refine(
  ({ length }) => length > 0 && length % 32 === 0 && length <= 32 * MAX_EXPERT_SLICES,
  'no roots',
);

/** By layer, by expert; a layer without experts is empty. */
export const expertTable = z
  .array(z.array(expertRoots).max(MAX_EXPERTS_PER_LAYER))
  .max(MAX_LAYERS)
  .refine((layers) => layers.reduce((sum, layer) => sum + layer.length, 0) <= MAX_BLOCKS, 'too many experts');
