import type { Engine, ModelView, RemoteExpertCall } from '@blyan/inference';
import { blockMap, hasBit, type MeasuredFigures, type RoutedModel } from '@blyan/routing';

const SEQUENCE = 'measure';
const DECODE_ROUNDS = 6;
const PREFILL_ROWS = 64;
const EXPERT_ROWS = 16;
const MEASURED_LAYERS = 4;

/** Whether an expert call belongs to a measurement of the trunk alone: its experts answer zeros. */
export function isMeasurement(sequences: readonly string[]): boolean {
  return sequences.includes(SEQUENCE);
}

export function zeros(call: RemoteExpertCall): Float32Array<ArrayBuffer>[] {
  const hidden = call.rows.length / (1 + Math.max(...call.groups.flatMap((group) => group.rows)));
  return call.groups.map((group) => new Float32Array(group.rows.length * Math.floor(hidden)));
}

/** What measuring needs of an engine. */
export type MeasurableEngine = Pick<Engine, 'open' | 'step' | 'close' | 'experts' | 'sample'>;

/** A node's figures but those of its links. */
export type EngineFigures = Omit<MeasuredFigures, 'bandwidthMBps' | 'messageUs'>;

/**
 * What a layer's parts take on this machine, measured on the blocks it hosts; 0 for what it does not host. The median
 * of several rounds, after one that loads the blocks.
 */
export async function measureEngine(
  engine: MeasurableEngine,
  model: ModelView,
  manifest: RoutedModel,
  bitmap: Uint8Array,
  signal: AbortSignal,
): Promise<EngineFigures> {
  const map = blockMap(manifest);
  const { spec } = model;
  const row = (rows: number) => Float32Array.from({ length: rows * spec.hiddenSize }, (_, i) => Math.sin(i));
  const trunk = await measureTrunk();
  const expert = await measureExperts();
  const k = spec.expertsPerToken;
  return {
    trunkUs: Math.round(trunk.decode),
    expertUs: Math.round(expert.decode),
    stepUs: trunk.decode > 0 && expert.decode > 0 ? Math.round(trunk.decode + k * expert.decode) : 0,
    headUs: Math.round(await measureHead()),
    prefillRowUs: trunk.prefill > 0 && expert.prefill > 0 ? Math.round(trunk.prefill + k * expert.prefill) : 0,
  };

  /** Microseconds per layer and row. */
  async function measureTrunk(): Promise<{ decode: number; prefill: number }> {
    const held = map.trunks.map((index) => hasBit(bitmap, index));
    const firstLayer = held.indexOf(true);
    if (firstLayer < 0) return { decode: 0, prefill: 0 };
    let lastLayer = firstLayer;
    while (held[lastLayer + 1] && lastLayer + 1 - firstLayer < MEASURED_LAYERS) lastLayer++;
    const layers = lastLayer - firstLayer + 1;
    const rows = Math.min(PREFILL_ROWS, spec.contextLength - DECODE_ROUNDS - 2);
    const localExperts = new Uint8Array(spec.layerCount * spec.expertCount);
    await engine.open({
      sequence: SEQUENCE,
      modelRoot: model.root,
      firstLayer,
      lastLayer,
      capacity: rows + DECODE_ROUNDS + 2,
      route: SEQUENCE,
      localExperts,
    });
    try {
      let position = 0;
      const step = async (count: number) => {
        signal.throwIfAborted();
        const { ms } = await engine.step({ sequence: SEQUENCE, position, input: row(count), output: 'none' });
        position += count;
        return (ms * 1000) / layers / count;
      };
      await step(1);
      const prefill = await step(rows);
      const decode = [];
      for (let round = 0; round < DECODE_ROUNDS; round++) decode.push(await step(1));
      return { decode: median(decode), prefill };
    } finally {
      await engine.close({ sequence: SEQUENCE });
    }
  }

  async function measureExperts(): Promise<{ decode: number; prefill: number }> {
    const held = map.experts.flatMap((layer, l) =>
      layer.flatMap((slices, e) => (slices.every((index) => hasBit(bitmap, index)) ? [[l, e] as const] : [])),
    );
    if (held.length === 0) return { decode: 0, prefill: 0 };
    const call = async ([layer, expert]: readonly [number, number], count: number) => {
      signal.throwIfAborted();
      const groups = [{ expert, rows: Array.from({ length: count }, (_, i) => i) }];
      const { ms } = await engine.experts({ modelRoot: model.root, layer, rows: row(count), groups });
      return (ms * 1000) / count;
    };
    const some = held.filter((_, index) => index % Math.ceil(held.length / 8) === 0);
    for (const which of some) await call(which, 1);
    const decode = [];
    for (let round = 0; round < 2; round++) for (const which of some) decode.push(await call(which, 1));
    const prefill = [];
    for (const which of some) prefill.push(await call(which, EXPERT_ROWS));
    return { decode: median(decode), prefill: median(prefill) };
  }

  async function measureHead(): Promise<number> {
    if (!hasBit(bitmap, map.head)) return 0;
    const times = [];
    for (let round = 0; round < 4; round++) {
      signal.throwIfAborted();
      const started = performance.now();
      await engine.sample({
        modelRoot: model.root,
        hidden: row(1),
        position: 1,
        spec: { params: { temperature: 0, topK: 0, topP: 1, seed: 0 } },
      });
      if (round > 0) times.push((performance.now() - started) * 1000);
    }
    return median(times);
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
