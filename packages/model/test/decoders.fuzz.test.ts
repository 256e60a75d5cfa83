import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenDir } from '@blyan/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type BlockRef,
  blockLabel,
  decodeModelMeta,
  encodeModelMeta,
  MODEL_PROFILE,
  ModelError,
  type ModelSpec,
  modelBlocks,
  parseBlockLabel,
  parseModelSpec,
  specFromCanonical,
  specToCanonical,
} from '../src/index.ts';
import { parseSafetensorsHeader } from '../src/safetensors-header.ts';

/** Either a result or a ModelError: nothing else may leave a decoder. */
function modelErrorOr<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    return null;
  }
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const spec: ModelSpec = parseModelSpec(JSON.parse(readFileSync(join(goldenDir('olmoe'), 'config.json'), 'utf8')));
const blocks: BlockRef[] = [...modelBlocks(spec)].map((position, i) => ({
  ...position,
  root: i.toString(16).padStart(64, '0'),
  byteLength: 65_536 + i,
}));
const meta = () =>
  structuredClone(encodeModelMeta({ name: 'm', spec, dtype: 'f32', profile: MODEL_PROFILE, blocks })) as Record<
    string,
    unknown
  >;

/** A random place in a nested value replaced by random JSON. */
function mutated(value: unknown, path: readonly number[], replacement: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return replacement;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...value };
  const keys = Object.keys(copy);
  if (keys.length === 0) return replacement;
  const key = keys[step % keys.length] as string;
  (copy as Record<string, unknown>)[key] = mutated((copy as Record<string, unknown>)[key], rest, replacement);
  return copy;
}
const change = fc.record({
  path: fc.array(fc.nat(1_000), { minLength: 1, maxLength: 4 }),
  replacement: fc.jsonValue(),
});

test('a safetensors header of any bytes is refused or consistent', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.jsonValue().map(json)),
      fc.nat(100),
      (bytes, dataBytes) => {
        const tensors = modelErrorOr(() => parseSafetensorsHeader(bytes, dataBytes, 'f'));
        if (tensors !== null) expect(tensors.reduce((sum, { begin, end }) => sum + end - begin, 0)).toBe(dataBytes);
      },
    ),
  );
});

test('a safetensors header with changes is refused or covers the data exactly', () => {
  const header = {
    a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
    b: { dtype: 'BF16', shape: [3], data_offsets: [16, 22] },
    c: { dtype: 'F16', shape: [], data_offsets: [22, 24] },
  };
  fc.assert(
    fc.property(change, ({ path, replacement }) => {
      const tensors = modelErrorOr(() => parseSafetensorsHeader(json(mutated(header, path, replacement)), 24, 'f'));
      let position = 0;
      for (const { begin, end } of tensors ?? []) {
        expect(begin).toBe(position);
        position = end;
      }
      if (tensors !== null) expect(position).toBe(24);
    }),
    { numRuns: 2_000 },
  );
});

test('any config.json is refused or gives a spec that survives its canonical form', () => {
  const config = { ...spec, model_type: 'olmoe', rope_scaling: { type: 'default' }, eos_token_id: [1, 2] };
  const fields = [
    'hidden_size',
    'num_attention_heads',
    'num_key_value_heads',
    'head_dim',
    'clip_qkv',
    'rope_theta',
    'vocab_size',
    'num_experts',
  ];
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()), change, (extra, { path, replacement }) => {
      const value = mutated({ ...config, ...extra }, path, replacement) as Record<string, unknown>;
      const parsed = modelErrorOr(() => parseModelSpec(value));
      if (parsed !== null) expect(specFromCanonical(specToCanonical(parsed))).toEqual(parsed);
    }),
    { numRuns: 2_000 },
  );
});

test('a model manifest with changes is refused, or says the same when written again', () => {
  expect(decodeModelMeta(meta())).toEqual({ name: 'm', spec, dtype: 'f32', profile: MODEL_PROFILE, blocks });
  fc.assert(
    fc.property(change, ({ path, replacement }) => {
      const value = mutated(meta(), path, replacement);
      const decoded = modelErrorOr(() => decodeModelMeta(value));
      if (decoded !== null) expect(encodeModelMeta(decoded)).toEqual(value);
    }),
    { numRuns: 2_000 },
  );
});

test.each<[string, (list: unknown[]) => unknown[]]>([
  ['a block missing', (list) => list.slice(1)],
  ['two blocks exchanged', ([a, b, ...rest]) => [b, a, ...rest]],
  ['a block twice', ([a, , ...rest]) => [a, a, ...rest]],
  ['a block too many', (list) => [...list, list[0]]],
])('a manifest with %s is refused', (_, damage) => {
  const value = meta();
  value.blocks = damage(value.blocks as unknown[]);
  expect(() => decodeModelMeta(value)).toThrow(expect.objectContaining({ code: 'ERR_MODEL_MANIFEST' }));
});

test('only what blockLabel writes is read as a label', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^(trunk|expert|head|embedding)?[:.]?[0-9./]{0,9}$/), (label) => {
      const position = parseBlockLabel(label);
      if (position !== null) expect(blockLabel(position)).toBe(label);
    }),
  );
});
