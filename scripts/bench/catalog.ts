import type { Benchmark } from './benchmark.ts';

/** Every benchmark in the order they run: what needs a quiet machine least comes last. */
export const CATALOG: Readonly<Record<string, () => Promise<Benchmark>>> = {
  hash: async () => (await import('./benchmarks/hash.ts')).hash,
  rpc: async () => (await import('./benchmarks/rpc.ts')).rpc,
  import: async () => (await import('./benchmarks/import.ts')).importSpeed,
  'expert-load': async () => (await import('./benchmarks/expert-load.ts')).expertLoad,
  local: async () => (await import('./benchmarks/local.ts')).local,
  'loop-lag': async () => (await import('./benchmarks/loop-lag.ts')).loopLag,
  pipeline: async () => (await import('./benchmarks/pipeline.ts')).pipeline,
  forecast: async () => (await import('./benchmarks/forecast.ts')).forecast,
};
