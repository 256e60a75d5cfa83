import { randomUUID } from 'node:crypto';
import type { Engine, ModelView, SampleSpec } from '@blyan/inference';
import { modelView } from '@blyan/inference';
import type { ImportDType } from '@blyan/model';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureMemoryBandwidth } from '../limits/memory-bandwidth.ts';
import { tokenBytes } from '../limits/token-bytes.ts';
import { importedBenchModel, promptTokens } from '../model/bench-model.ts';
import { openEngine } from '../model/open-engine.ts';
import { LlamaPeer, type PeerSpeed } from '../peers/llama.ts';
import { median, rangeOf } from '../stats.ts';

const PREFILL_TOKENS = 512;
const DECODE_FROM = 128;
const FULL = { rounds: 5, tokens: 32, dtypes: ['f32', 'i8', 'i4'] as const };
const QUICK = { rounds: 3, tokens: 24, dtypes: ['f32', 'i8'] as const };
const GREEDY: SampleSpec = { params: { temperature: 0, topK: 0, topP: 1, seed: 0 } };

export const local: Benchmark = {
  name: 'local',
  about: `The bench model on one node, one thread: decode after ${DECODE_FROM} tokens (random ones, so that experts change as in text) and prefill of
${PREFILL_TOKENS} tokens at once. The limit of decode is memory bandwidth / bytes a token has to read, both for this run.`,
  async run(run) {
    const { quick, report } = run;
    const bandwidth = measureMemoryBandwidth(quick ? 3 : 7);
    report(
      figure('local.memory-bandwidth', bandwidth / 1e9, 'GB/s', { note: 'one thread reading 768 MiB, the best pass' }),
    );
    const peer = await LlamaPeer.open(run);
    for (const dtype of quick ? QUICK.dtypes : FULL.dtypes) await measure(dtype, bandwidth, peer, run);
  },
};

async function measure(dtype: ImportDType, bandwidth: number, peer: LlamaPeer | null, run: BenchRun): Promise<void> {
  const { report, say, quick } = run;
  const { blocksDir, manifest } = await importedBenchModel(run, dtype);
  const view = modelView(manifest);
  const decode: number[] = [];
  const prefill: number[] = [];
  {
    await using open = await openEngine(blocksDir, view);
    say(`${dtype}: loading`);
    // Touches every expert of every layer, with all but certainty, and grows every buffer.
    await measurePrefill(open.engine, view, 7);
    await measureDecode(open.engine, view, quick ? QUICK.tokens : FULL.tokens);
    for (let round = 0; round < (quick ? QUICK : FULL).rounds; round++) {
      run.signal.throwIfAborted();
      prefill.push(await measurePrefill(open.engine, view, round));
      decode.push(await measureDecode(open.engine, view, quick ? QUICK.tokens : FULL.tokens));
    }
  }
  const bytes = tokenBytes(manifest.spec, dtype, DECODE_FROM);
  report(
    figure(`local.${dtype}.decode`, median(decode), 'tokens/s', {
      limit: bandwidth / bytes,
      against: `bound by memory bandwidth (${(bytes / 1e6).toFixed(1)} MB a token)`,
      range: rangeOf(decode),
    }),
  );
  report(
    figure(`local.${dtype}.prefill`, median(prefill), 'tokens/s', {
      limit: median(decode),
      against: 'decode',
      goal: { ratioAtLeast: 5 },
      range: rangeOf(prefill),
    }),
  );
  const theirs = await peer?.measure(dtype, { prefillTokens: PREFILL_TOKENS, decodeFrom: DECODE_FROM });
  if (theirs) reportPeer(dtype, { decode: Math.max(...decode), prefill: Math.max(...prefill) }, theirs, run);
}

/** Best round against best round. */
function reportPeer(dtype: ImportDType, ours: PeerSpeed, theirs: PeerSpeed, { report }: BenchRun): void {
  const against = `llama.cpp ${theirs.format}, one thread (best rounds)`;
  report(figure(`local.${dtype}.decode-llama`, ours.decode, 'tokens/s', { limit: theirs.decode, against }));
  report(figure(`local.${dtype}.prefill-llama`, ours.prefill, 'tokens/s', { limit: theirs.prefill, against }));
}

/** Tokens per second. */
async function measurePrefill(engine: Engine, view: ModelView, seed: number): Promise<number> {
  const sequence = await openSequence(engine, view, PREFILL_TOKENS);
  const input = Uint32Array.from(promptTokens(PREFILL_TOKENS, view.spec.vocabSize, seed));
  const started = performance.now();
  await engine.step({ sequence, position: 0, input, output: 'sample', sample: GREEDY });
  const ms = performance.now() - started;
  await engine.close({ sequence });
  return (PREFILL_TOKENS * 1000) / ms;
}

/** Tokens per second, sampling included. */
async function measureDecode(engine: Engine, view: ModelView, tokens: number): Promise<number> {
  const sequence = await openSequence(engine, view, DECODE_FROM + tokens);
  const ids = Uint32Array.from(promptTokens(DECODE_FROM + tokens, view.spec.vocabSize));
  await engine.step({ sequence, position: 0, input: ids.slice(0, DECODE_FROM), output: 'none' });
  const started = performance.now();
  for (let position = DECODE_FROM; position < ids.length; position++) {
    const input = ids.slice(position, position + 1);
    await engine.step({ sequence, position, input, output: 'sample', sample: GREEDY });
  }
  const ms = performance.now() - started;
  await engine.close({ sequence });
  return (tokens * 1000) / ms;
}

async function openSequence(engine: Engine, view: ModelView, capacity: number): Promise<string> {
  const sequence = randomUUID();
  const { layerCount, expertCount } = view.spec;
  const localExperts = new Uint8Array(layerCount * expertCount).fill(1);
  const layers = { firstLayer: 0, lastLayer: layerCount - 1 };
  await engine.open({ sequence, modelRoot: view.root, ...layers, capacity, route: '', localExperts });
  return sequence;
}
