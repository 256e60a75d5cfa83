import { bitmapOf, blockMap, type NodeView, type RoutedBlock, type RoutedModel } from '@blyan/routing';

export interface SimulatedShape {
  readonly layers: number;
  readonly experts: number;
  readonly chosen: number;
}

/** A model as the router sees it: block sizes in proportion, no weights. */
export function simulatedModel({ layers, experts, chosen }: SimulatedShape): RoutedModel {
  const blocks: RoutedBlock[] = [{ kind: 'embedding', byteLength: 64_000_000 }];
  for (let layer = 0; layer < layers; layer++) {
    blocks.push({ kind: 'trunk', layer, byteLength: 8_000_000 });
    for (let expert = 0; expert < experts; expert++) {
      blocks.push({ kind: 'expert', layer, expert, slice: 0, byteLength: 2_000_000 });
    }
  }
  blocks.push({ kind: 'head', byteLength: 64_000_000 });
  const spec = { layerCount: layers, expertCount: experts, expertsPerToken: chosen, hiddenSize: 2048 };
  return { root: 'ab'.repeat(32), spec, blocks };
}

/** Numbers from 0 to 1 that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Records of a network, the first one this node's.
 * @param spread `layers`: every node has a sixth of the layers, whole; `experts`: a tenth of the experts of every layer,
 * every fourth node the trunks
 */
export function simulatedViews(model: RoutedModel, count: number, spread: 'layers' | 'experts'): NodeView[] {
  const random = seeded(count);
  const map = blockMap(model);
  const { layerCount } = model.spec;
  const span = Math.max(1, Math.ceil(layerCount / 6));
  return Array.from({ length: count }, (_, node) => {
    const held: number[] = node % 5 === 0 ? [map.embedding, map.head] : [];
    const first = Math.floor((node * 7) % layerCount);
    map.trunks.forEach((trunk, layer) => {
      const whole = spread === 'layers' && (layer - first + layerCount) % layerCount < span;
      if (whole || node === 0 || (spread === 'experts' && node % 4 === 0)) held.push(trunk);
      map.experts[layer]?.forEach((slices, expert) => {
        if (whole || (spread === 'experts' && (expert + node) % 10 === 0)) held.push(...slices);
      });
    });
    return {
      v: 1,
      // Like real ones, they differ early.
      peerId: `12D3KooW${String((node * 7_919) % 99_991).padStart(5, '0')}`.padEnd(52, 'x'),
      publicKey: new Uint8Array(32),
      addresses: [],
      sequence: 1,
      issuedAtMs: 0,
      ttlMs: 20_000,
      version: '0.1.0',
      tier: 0,
      profile: 'simulated',
      host: 'auto',
      models: [{ root: model.root, blocks: bitmapOf(held, model.blocks.length) }],
      measured: {
        stepUs: 300 + Math.floor(random() * 400),
        trunkUs: 200,
        expertUs: 100,
        headUs: 300,
        prefillRowUs: 60,
        bandwidthMBps: 1000,
        messageUs: 300,
      },
      active: node % 3,
      queued: 0,
      freeKvBytes: 0,
      gateway: false,
      reachable: true,
      self: node === 0,
      rttMs: node === 0 ? 0 : 1 + random() * 40,
    };
  });
}
