import type { Root } from '@blyan/interface';
import { isRoot } from '@blyan/interface';
import { type BlockMeta, MAX_BLOCK_BYTES, readBlockManifest, readTensor } from '@blyan/tensorblock';
import { type BlockRef, modelBlocks } from './blocks.ts';
import { ModelError } from './errors.ts';
import { IMPORT_DTYPES, type ImportDType } from './import-plan.ts';
import { MODEL_FILES, type ModelFiles, modelFilesFrom } from './model-files.ts';
import { isModelName } from './model-name.ts';
import { type ModelProfile, profileFromCanonical } from './profile.ts';
import { type ModelSpec, modelBlockCount } from './spec.ts';
import { type CanonicalMap, specFromCanonical, specToCanonical } from './spec-codec.ts';

/** What the manifest block of a model says. Its root is the model's identity. */
export interface ModelDescription {
  readonly name: string;
  readonly spec: ModelSpec;
  readonly dtype: ImportDType;
  readonly profile: ModelProfile;
  /** In the order of `modelBlocks(spec)`. */
  readonly blocks: readonly BlockRef[];
}

export interface ModelManifest extends ModelDescription {
  readonly root: Root;
  readonly files: ModelFiles;
}

const META_KEYS = ['name', 'spec', 'dtype', 'profile', 'blocks'];

function fail(message: string, cause?: unknown): never {
  throw new ModelError('ERR_MODEL_MANIFEST', `This is not a valid model manifest: ${message}.`, { cause });
}

/** The `meta` map of the manifest block. */
export function encodeModelMeta({ name, spec, dtype, profile, blocks }: ModelDescription): BlockMeta {
  const list = blocks.map(({ kind, layer, expert, slice, root, byteLength }) => ({
    kind,
    ...(layer === undefined ? {} : { layer }),
    ...(expert === undefined ? {} : { expert }),
    ...(slice === undefined ? {} : { slice }),
    root,
    byteLength,
  }));
  return { name, spec: specToCanonical(spec) as BlockMeta, dtype, profile: { ...profile }, blocks: list };
}

function decodeBlocks(value: unknown, spec: ModelSpec): BlockRef[] {
  if (!Array.isArray(value) || value.length !== modelBlockCount(spec)) fail('its list of blocks is not complete');
  const refs: BlockRef[] = [];
  for (const position of modelBlocks(spec)) {
    const entry = value[refs.length] as CanonicalMap | null;
    if (typeof entry !== 'object' || entry === null) fail(`block ${refs.length} is not a map`);
    const { root, byteLength, ...rest } = entry;
    const same = (['kind', 'layer', 'expert', 'slice'] as const).every((key) => rest[key] === position[key]);
    if (!same || Object.keys(rest).length !== Object.keys(position).length) {
      fail(`block ${refs.length} is not the one that belongs there`);
    }
    if (!isRoot(root)) fail(`block ${refs.length} has no valid root`);
    if (!Number.isSafeInteger(byteLength) || (byteLength as number) < 1 || (byteLength as number) > MAX_BLOCK_BYTES) {
      fail(`block ${refs.length} has no valid length`);
    }
    refs.push({ ...position, root, byteLength: byteLength as number });
  }
  return refs;
}

/**
 * Decodes and checks the `meta` map of a manifest block: every block of the spec is there, once and in order.
 * @throws ModelError ERR_MODEL_MANIFEST or ERR_MODEL_SPEC
 */
export function decodeModelMeta(meta: unknown): ModelDescription {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) fail('it has no description');
  const map = meta as CanonicalMap;
  if (Object.keys(map).some((key) => !META_KEYS.includes(key))) fail('it has an unknown field');
  if (!isModelName(map.name)) fail('it has no valid name');
  const dtype = IMPORT_DTYPES.find((known) => known === map.dtype) ?? fail('it has an unknown dtype');
  const spec = specFromCanonical(map.spec);
  const blocks = decodeBlocks(map.blocks, spec);
  return { name: map.name, spec, dtype, profile: profileFromCanonical(map.profile), blocks };
}

/**
 * Reads a model manifest from its block. The file's hash is not checked here: acquire the block from the store first.
 * @throws ModelError ERR_MODEL_MANIFEST or ERR_MODEL_SPEC; errors of the TensorBlock reader
 */
export async function loadModelManifest(path: string): Promise<ModelManifest> {
  const { header, tensors, root } = await readBlockManifest(path);
  if (header.kind !== 'model') fail(`it is a block of kind "${header.kind}"`);
  const description = decodeModelMeta(header.meta);
  const files = new Map<string, Uint8Array>();
  for (const tensor of tensors) {
    const limit = MODEL_FILES.get(tensor.name);
    if (limit === undefined || tensor.dtype !== 'u8') fail('it carries an unknown file');
    if (tensor.byteLength > limit) fail(`its ${tensor.name} is longer than ${limit} bytes`);
    files.set(tensor.name, await readTensor(path, tensor));
  }
  return { ...description, root, files: modelFilesFrom(files, fail) };
}
