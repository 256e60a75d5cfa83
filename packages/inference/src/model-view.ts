import type { Root } from '@blyan/interface';
import type { BlockRef, ModelManifest, ModelSpec } from '@blyan/model';
import { InferenceError } from './errors.ts';

/** What the engine keeps of a model manifest: its spec and which root holds what. Plain data, sent to the worker. */
export interface ModelView {
  readonly root: Root;
  readonly spec: ModelSpec;
  readonly quantised: boolean;
  readonly embedding: Root;
  readonly head: Root;
  readonly trunks: readonly Root[];
  /** [layer][expert][slice] */
  readonly experts: readonly (readonly (readonly Root[])[])[];
}

export function modelView(manifest: ModelManifest): ModelView {
  const { spec } = manifest;
  const trunks: Root[] = [];
  const experts = Array.from({ length: spec.layerCount }, () =>
    Array.from({ length: spec.expertCount }, (): Root[] => []),
  );
  let embedding = '';
  let head = '';
  for (const block of manifest.blocks) place(block);
  return {
    root: manifest.root,
    spec,
    quantised: manifest.dtype === 'i8' || manifest.dtype === 'i4',
    embedding,
    head,
    trunks,
    experts,
  };

  function place(block: BlockRef): void {
    if (block.kind === 'embedding') embedding = block.root;
    else if (block.kind === 'head') head = block.root;
    else if (block.kind === 'trunk') trunks[block.layer as number] = block.root;
    else {
      const slices = experts[block.layer as number]?.[block.expert as number];
      if (slices) slices[block.slice ?? 0] = block.root;
    }
  }
}

/** Of all its blocks. */
export function rootsOf({ embedding, head, trunks, experts }: ModelView): Root[] {
  return [embedding, head, ...trunks, ...experts.flat(2)];
}

/** @throws InferenceError ERR_INFERENCE_RANGE */
export function expertRoots(model: ModelView, layer: number, expert: number): readonly Root[] {
  const roots = model.experts[layer]?.[expert];
  if (!roots) {
    throw new InferenceError('ERR_INFERENCE_RANGE', `The model has no expert ${layer}.${expert}.`, {
      kind: 'peer',
      meta: { layer, expert },
    });
  }
  return roots;
}
