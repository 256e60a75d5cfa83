import type { Benchmark } from './benchmark.ts';

/** Every benchmark in the order they run: what needs a quiet machine least comes last. */
export const CATALOG: Readonly<Record<string, () => Promise<Benchmark>>> = {
  hash: async () => (await import('./benchmarks/hash.ts')).hash,
  'sign-in': async () => (await import('./benchmarks/sign-in.ts')).signIn,
  gateway: async () => (await import('./benchmarks/gateway.ts')).gateway,
  grammar: async () => (await import('./benchmarks/grammar.ts')).grammar,
  ledger: async () => (await import('./benchmarks/ledger.ts')).ledger,
  'light-client': async () => (await import('./benchmarks/light-client.ts')).lightClient,
  rpc: async () => (await import('./benchmarks/rpc.ts')).rpc,
  import: async () => (await import('./benchmarks/import.ts')).importSpeed,
  'expert-load': async () => (await import('./benchmarks/expert-load.ts')).expertLoad,
  'expert-load-bf16': async () => (await import('./benchmarks/expert-load.ts')).expertLoadBf16,
  local: async () => (await import('./benchmarks/local.ts')).local,
  'loop-lag': async () => (await import('./benchmarks/loop-lag.ts')).loopLag,
  pipeline: async () => (await import('./benchmarks/pipeline.ts')).pipeline,
  'pipeline-genesis': async () => (await import('./benchmarks/pipeline.ts')).pipelineGenesis,
  streams: async () => (await import('./benchmarks/streams.ts')).streams,
  'first-token': async () => (await import('./benchmarks/first-token.ts')).firstToken,
  delegate: async () => (await import('./benchmarks/delegate.ts')).delegate,
  integrity: async () => (await import('./benchmarks/integrity.ts')).integrity,
  plan: async () => (await import('./benchmarks/plan.ts')).plan,
  speculation: async () => (await import('./benchmarks/speculation.ts')).speculation,
  control: async () => (await import('./benchmarks/control.ts')).control,
  'chain-throughput': async () => (await import('./benchmarks/chain-throughput.ts')).chainThroughput,
  'chain-sync': async () => (await import('./benchmarks/chain-sync.ts')).chainSync,
  'chain-finality': async () => (await import('./benchmarks/chain-finality.ts')).chainFinality,
  forecast: async () => (await import('./benchmarks/forecast.ts')).forecast,
};

/** Not run by `--quick` unless asked for by name. */
export const LEFT_OUT_WHEN_QUICK: readonly string[] = ['rpc', 'control', 'expert-load-bf16', 'pipeline-genesis'];
