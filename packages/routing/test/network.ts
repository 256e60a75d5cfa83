import {
  bitmapOf,
  devnetHostSpecs,
  type FixedHostSpec,
  type MeasuredFigures,
  type NodeView,
  parseHostSpec,
  type RoutedBlock,
  type RoutedModel,
  resolveHostSpec,
} from '../src/index.ts';

export const ROOT = 'ab'.repeat(32);
export const PROFILE = 'onnxruntime 1.30.0/cpu/avx2';

export interface ModelShape {
  readonly layers: number;
  readonly experts: number;
  readonly slices?: number;
  readonly chosen?: number;
}

/** A model with 1,000 bytes per expert slice, 3,000 per trunk and 2,000 for embedding and head. */
export function model({ layers, experts, slices = 1, chosen = Math.min(2, experts) }: ModelShape): RoutedModel {
  const blocks: RoutedBlock[] = [{ kind: 'embedding', byteLength: 2_000 }];
  for (let layer = 0; layer < layers; layer++) {
    blocks.push({ kind: 'trunk', layer, byteLength: 3_000 });
    for (let expert = 0; expert < experts; expert++) {
      for (let slice = 0; slice < slices; slice++)
        blocks.push({ kind: 'expert', layer, expert, slice, byteLength: 1_000 });
    }
  }
  blocks.push({ kind: 'head', byteLength: 2_000 });
  const spec = { layerCount: layers, expertCount: experts, expertsPerToken: chosen, hiddenSize: 256 };
  return { root: ROOT, spec, blocks };
}

export const FIGURES: MeasuredFigures = {
  stepUs: 400,
  trunkUs: 200,
  expertUs: 100,
  headUs: 300,
  prefillRowUs: 60,
  bandwidthMBps: 1_000,
  messageUs: 300,
};

export interface NodeOptions extends Partial<Omit<NodeView, 'peerId' | 'models' | 'measured'>> {
  readonly measured?: Partial<MeasuredFigures>;
}

/** A node hosting what the SPEC says; node `A` unless named otherwise is this one. */
export function node(peerId: string, host: string, of: RoutedModel, options: NodeOptions = {}): NodeView {
  const { measured, ...rest } = options;
  const blocks = resolveHostSpec(parseHostSpec(host, of.spec) as FixedHostSpec, of);
  return {
    v: 1,
    peerId,
    publicKey: new Uint8Array(32),
    addresses: [],
    sequence: 1,
    issuedAtMs: 0,
    ttlMs: 20_000,
    version: '0.1.0',
    tier: 0,
    profile: PROFILE,
    host,
    models: [{ root: of.root, blocks: bitmapOf(blocks, of.blocks.length) }],
    active: 0,
    queued: 0,
    freeKvBytes: 0,
    gateway: false,
    reachable: true,
    self: peerId === 'A',
    rttMs: peerId === 'A' ? 0 : 1,
    ...rest,
    measured: { ...FIGURES, ...measured },
  };
}

/** The nodes of a local network, all links with the same delay; A is node 0 and this one. */
export function devnet(count: number, of: RoutedModel, rttMs = 1): NodeView[] {
  return devnetHostSpecs(count, of.spec).map((host, i) =>
    node(String.fromCharCode(65 + i), host, of, i === 0 ? {} : { rttMs }),
  );
}
