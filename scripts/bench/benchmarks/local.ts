import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Engine, ModelView, SampleSpec } from '@blyan/inference';
import { modelView } from '@blyan/inference';
import type { ImportDType } from '@blyan/model';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureCallsAlone } from '../limits/computing-alone.ts';
import { measureMemoryBandwidth } from '../limits/memory-bandwidth.ts';
import { expertsTouched, stepBytes, tokenBytes } from '../limits/token-bytes.ts';
import { importedBenchModel, promptTokens } from '../model/bench-model.ts';
import { openEngine } from '../model/open-engine.ts';
import { LlamaPeer } from '../peers/llama.ts';
import { median, rangeOf } from '../stats.ts';

const PREFILL_TOKENS = [128, 512];
const DECODE_FROM = 128;
const STREAMS = 8;
const FULL = { rounds: 5, tokens: 32, dtypes: ['f32', 'i8', 'i4'] as const };
const QUICK = { rounds: 3, tokens: 24, dtypes: ['f32', 'i8'] as const };
const GREEDY: SampleSpec = { params: { temperature: 0, topK: 0, topP: 1, seed: 0 } };

export const local: Benchmark = {
  name: 'local',
  about: `The bench model on one node, with one and with two computing threads: decode after ${DECODE_FROM} tokens (random ones, so that experts change
as in text), prefill of ${PREFILL_TOKENS.join(' and ')} tokens at once, ${STREAMS} streams at once. The limit of decode is memory bandwidth / bytes a token has to read, both
for this run; that of the streams is one stream times the bytes that as many steps read alone / together. Goals are for i8.`,
  async run(run) {
    const { quick, report } = run;
    const bandwidth = measureMemoryBandwidth(quick ? 3 : 7);
    report(
      figure('local.memory-bandwidth', bandwidth / 1e9, 'GB/s', { note: 'one thread reading 768 MiB, the best pass' }),
    );
    const peer = await LlamaPeer.open(run);
    const counts = [1, 2].filter((threads) => threads <= availableParallelism());
    for (const dtype of quick ? QUICK.dtypes : FULL.dtypes) {
      for (const threads of counts) await measure({ dtype, threads, bandwidth, peer }, run);
    }
  },
};

interface Case {
  readonly dtype: ImportDType;
  readonly threads: number;
  /** Bytes per second of one thread. */
  readonly bandwidth: number;
  readonly peer: LlamaPeer | null;
}

async function measure({ dtype, threads, bandwidth, peer }: Case, run: BenchRun): Promise<void> {
  const { report, say } = run;
  const { rounds, tokens } = run.quick ? QUICK : FULL;
  const { blocksDir, manifest } = await importedBenchModel(run, dtype);
  const view = modelView(manifest);
  const name = (what: string) => `local.${dtype}.${what}${threads === 1 ? '' : `-${threads}-threads`}`;
  const decode: number[] = [];
  const streams: number[] = [];
  const prefill = PREFILL_TOKENS.map((): number[] => []);
  {
    await using open = await openEngine(blocksDir, view, { threads });
    say(`${dtype}, ${threads} threads: loading`);
    // Touches every expert of every layer, with all but certainty, and grows every buffer.
    await measurePrefill(open.engine, view, Math.max(...PREFILL_TOKENS), 7);
    await measureDecode(open.engine, view, STREAMS, tokens);
    for (let round = 0; round < rounds; round++) {
      run.signal.throwIfAborted();
      for (const [index, length] of PREFILL_TOKENS.entries())
        prefill[index]?.push(await measurePrefill(open.engine, view, length, round));
      decode.push(await measureDecode(open.engine, view, 1, tokens));
      streams.push(await measureDecode(open.engine, view, STREAMS, tokens));
    }
  }
  const bytes = tokenBytes(manifest.spec, dtype, DECODE_FROM);
  const against = `bound by the memory bandwidth of ${threads} threads (${(bytes / 1e6).toFixed(1)} MB a token)`;
  report(
    figure(name('decode'), median(decode), 'tokens/s', {
      ...{ limit: (threads * bandwidth) / bytes, against, range: rangeOf(decode) },
    }),
  );
  for (const [index, length] of PREFILL_TOKENS.entries()) {
    const speeds = prefill[index] as number[];
    const of = { limit: median(decode), against: 'decode', range: rangeOf(speeds) };
    report(figure(name(`prefill-${length}`), median(speeds), 'tokens/s', of));
  }
  const gain = (STREAMS * bytes) / stepBytes(manifest.spec, dtype, DECODE_FROM, STREAMS);
  const touched = expertsTouched(manifest.spec, STREAMS).toFixed(0);
  report(
    figure(name(`${STREAMS}-streams`), Math.max(...streams), 'tokens/s', {
      limit: Math.max(...decode) * gain,
      against: `bound by bytes: ${gain.toFixed(2)} times one stream (${touched} of ${manifest.spec.expertCount} experts a layer; best rounds)`,
      ...(dtype === 'i8' ? { goal: { ratioAtLeast: 0.85 } } : {}),
      range: rangeOf(streams),
    }),
  );
  if (dtype === 'i8' && threads === 1) {
    for (const [count, speeds] of [
      [1, decode],
      [STREAMS, streams],
    ] as const) {
      const callsMs = await measureCallsAlone(blocksDir, view, count);
      report(
        figure(name(count === 1 ? 'decode-calls' : `${STREAMS}-streams-calls`), Math.max(...speeds), 'tokens/s', {
          limit: (count * 1000) / callsMs,
          against: `if nothing but ONNX Runtime's calls took time: ${callsMs.toFixed(2)} ms a step, those of real steps done again alone`,
        }),
      );
    }
  }
  const theirs = await peer?.measure(dtype, { threads, prefill: PREFILL_TOKENS, decodeFrom: DECODE_FROM });
  if (!theirs) return;
  const those = `llama.cpp ${theirs.format}, ${threads} threads (best rounds)`;
  const goal = (ratioAtLeast: number) => (dtype === 'i8' ? { goal: { ratioAtLeast } } : {});
  report(
    figure(name('decode-llama'), Math.max(...decode), 'tokens/s', {
      ...{ limit: theirs.decode, against: those, ...goal(threads === 1 ? 0.85 : 1) },
    }),
  );
  for (const [index, length] of PREFILL_TOKENS.entries()) {
    report(
      figure(name(`prefill-${length}-llama`), Math.max(...(prefill[index] as number[])), 'tokens/s', {
        ...{ limit: theirs.prefill[index] as number, against: those, ...goal(1.5) },
      }),
    );
  }
}

/** Tokens per second. */
async function measurePrefill(engine: Engine, view: ModelView, length: number, seed: number): Promise<number> {
  const sequence = await openSequence(engine, view, length);
  const input = Uint32Array.from(promptTokens(length, view.spec.vocabSize, seed));
  const started = performance.now();
  await engine.step({ sequence, position: 0, input, output: 'sample', sample: GREEDY });
  const ms = performance.now() - started;
  await engine.close({ sequence });
  return (length * 1000) / ms;
}

/** Tokens per second of all streams together, sampling included. */
async function measureDecode(engine: Engine, view: ModelView, count: number, tokens: number): Promise<number> {
  const streams: { sequence: string; ids: Uint32Array<ArrayBuffer> }[] = [];
  for (let seed = 1; seed <= count; seed++) {
    const sequence = await openSequence(engine, view, DECODE_FROM + tokens);
    const ids = Uint32Array.from(promptTokens(DECODE_FROM + tokens, view.spec.vocabSize, seed));
    await engine.step({ sequence, position: 0, input: ids.slice(0, DECODE_FROM), output: 'none' });
    streams.push({ sequence, ids });
  }
  const started = performance.now();
  for (let position = DECODE_FROM; position < DECODE_FROM + tokens; position++) {
    await Promise.all(
      streams.map(({ sequence, ids }) => {
        const input = ids.slice(position, position + 1);
        return engine.step({ sequence, position, input, output: 'sample', sample: GREEDY });
      }),
    );
  }
  const ms = performance.now() - started;
  for (const { sequence } of streams) await engine.close({ sequence });
  return (count * tokens * 1000) / ms;
}

async function openSequence(engine: Engine, view: ModelView, capacity: number): Promise<string> {
  const sequence = randomUUID();
  const { layerCount, expertCount } = view.spec;
  const localExperts = new Uint8Array(layerCount * expertCount).fill(1);
  const layers = { firstLayer: 0, lastLayer: layerCount - 1 };
  await engine.open({ sequence, modelRoot: view.root, ...layers, capacity, route: '', localExperts });
  return sequence;
}
