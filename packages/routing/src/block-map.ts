import type { Root } from '@blyan/interface';
import type { ModelSpec } from '@blyan/model';
import { RoutingError } from './errors.ts';
import { remember } from './remember.ts';

/** What the router needs to know of a block; a manifest's block references have it. */
export interface RoutedBlock {
  readonly kind: string;
  readonly layer?: number;
  readonly expert?: number;
  readonly slice?: number;
  readonly byteLength: number;
}

export type RoutedSpec = Pick<ModelSpec, 'layerCount' | 'expertCount' | 'expertsPerToken' | 'hiddenSize'>;

/** What the router needs to know of a model; a model manifest has it. */
export interface RoutedModel {
  readonly root: Root;
  readonly spec: RoutedSpec;
  /** In manifest order: the index here is the bit in a record's bitmap. */
  readonly blocks: readonly RoutedBlock[];
}

/** Where the parts of a model are among its blocks. An expert is one block or several slices. */
export interface BlockMap {
  readonly blockCount: number;
  readonly embedding: number;
  readonly head: number;
  /** [layer] -> index. */
  readonly trunks: readonly number[];
  /** [layer][expert] -> indices of its slices. */
  readonly experts: readonly (readonly (readonly number[])[])[];
  /** [layer] -> index of expert 0 where the layer's experts are single blocks side by side, otherwise -1. */
  readonly runs: readonly number[];
}

const maps = new WeakMap<readonly RoutedBlock[], BlockMap>();

/**
 * Indexes a model's blocks; remembered per `blocks` array.
 * @throws RoutingError ERR_ROUTING_MODEL when a part of the model is absent from, double in or foreign to the list
 */
export function blockMap(model: Pick<RoutedModel, 'spec' | 'blocks'>): BlockMap {
  return remember(maps, model.blocks, () => indexBlocks(model));
}

function indexBlocks({ spec, blocks }: Pick<RoutedModel, 'spec' | 'blocks'>): BlockMap {
  let embedding = -1;
  let head = -1;
  const trunks = new Array<number>(spec.layerCount).fill(-1);
  const experts = Array.from({ length: spec.layerCount }, () =>
    Array.from({ length: spec.expertCount }, (): number[] => []),
  );
  blocks.forEach((block, index) => {
    const slices = experts[block.layer ?? -1]?.[block.expert ?? -1];
    if (block.kind === 'embedding' && embedding < 0) embedding = index;
    else if (block.kind === 'head' && head < 0) head = index;
    else if (block.kind === 'trunk' && trunks[block.layer ?? -1] === -1) trunks[block.layer ?? -1] = index;
    else if (block.kind === 'expert' && slices !== undefined && slices.length === (block.slice ?? 0))
      slices.push(index);
    else throw unfit(`block ${index} is double, out of order or of no known part`, index);
  });
  const complete = embedding >= 0 && head >= 0 && !trunks.includes(-1);
  if (!complete || experts.some((layer) => layer.some((slices) => slices.length === 0))) {
    throw unfit('a part of the model has no block', blocks.length);
  }
  return { blockCount: blocks.length, embedding, head, trunks, experts, runs: experts.map(runOf) };
}

function runOf(layer: readonly (readonly number[])[]): number {
  const first = layer[0]?.[0] ?? -1;
  return layer.every((slices, expert) => slices.length === 1 && slices[0] === first + expert) ? first : -1;
}

function unfit(what: string, block: number): RoutingError {
  return new RoutingError(
    'ERR_ROUTING_MODEL',
    `The model's block list does not fit its spec: ${what}. Import the model again.`,
    { meta: { block } },
  );
}
