import type { Root } from '@blyan/interface';
import type { ModelSpec } from './spec.ts';

export type ModelBlockKind = 'embedding' | 'trunk' | 'expert' | 'head';

/** Which part of a model a block is. */
export interface BlockPosition {
  readonly kind: ModelBlockKind;
  /** Trunks and experts. */
  readonly layer?: number;
  /** Experts. */
  readonly expert?: number;
  /** Experts cut into several blocks; absent when the model's sliceCount is 1. */
  readonly slice?: number;
}

/** A block as the model manifest lists it. */
export interface BlockRef extends BlockPosition {
  readonly root: Root;
  readonly byteLength: number;
}

/** The blocks of a model in manifest order: embedding; per layer the trunk, then experts by (expert, slice); head. */
export function* modelBlocks(
  spec: Pick<ModelSpec, 'layerCount' | 'expertCount' | 'sliceCount'>,
): Generator<BlockPosition, void> {
  yield { kind: 'embedding' };
  for (let layer = 0; layer < spec.layerCount; layer++) {
    yield { kind: 'trunk', layer };
    for (let expert = 0; expert < spec.expertCount; expert++) {
      if (spec.sliceCount === 1) yield { kind: 'expert', layer, expert };
      else for (let slice = 0; slice < spec.sliceCount; slice++) yield { kind: 'expert', layer, expert, slice };
    }
  }
  yield { kind: 'head' };
}

/** Index of a block in the manifest's list, without walking it. Undefined parts count as 0. */
export function blockIndex(
  spec: Pick<ModelSpec, 'layerCount' | 'expertCount' | 'sliceCount'>,
  position: BlockPosition,
): number {
  const perLayer = 1 + spec.expertCount * spec.sliceCount;
  const { kind, layer = 0, expert = 0, slice = 0 } = position;
  if (kind === 'embedding') return 0;
  if (kind === 'head') return 1 + spec.layerCount * perLayer;
  return 1 + layer * perLayer + (kind === 'trunk' ? 0 : 1 + expert * spec.sliceCount + slice);
}

/** `embedding`, `trunk:3`, `expert:3.7`, `expert:3.7/0` (a slice) or `head`. */
export function blockLabel(position: BlockPosition): string {
  const { kind, layer, expert, slice } = position;
  if (kind === 'embedding' || kind === 'head') return kind;
  if (kind === 'trunk') return `trunk:${layer}`;
  return `expert:${layer}.${expert}${slice === undefined ? '' : `/${slice}`}`;
}

/** The inverse of `blockLabel`; null for anything it would not write. */
export function parseBlockLabel(label: string): BlockPosition | null {
  if (label === 'embedding' || label === 'head') return { kind: label };
  const match = /^(?:trunk:(\d{1,6})|expert:(\d{1,6})\.(\d{1,6})(?:\/(\d{1,6}))?)$/.exec(label);
  if (match === null) return null;
  const [trunk, layer, expert, slice] = match.slice(1).map((text) => (text === undefined ? undefined : Number(text)));
  const position: BlockPosition =
    trunk !== undefined
      ? { kind: 'trunk', layer: trunk }
      : { kind: 'expert', layer, expert, ...(slice === undefined ? {} : { slice }) };
  return blockLabel(position) === label ? position : null;
}
