import { EngineCore, type ModelView } from '@blyan/inference';
import { Session } from '../../../packages/inference/src/session.ts';
import { promptTokens } from '../model/bench-model.ts';
import { engineOptions, openStore } from '../model/open-engine.ts';
import { median } from '../stats.ts';

const CONTEXT = 128;
const WARM_UP = 16;
const STEPS = 24;
const PASSES = 3;
const GREEDY = { params: { temperature: 0, topK: 0, topP: 1, seed: 0 } };

type Call = readonly [session: Session, ...Parameters<Session['run']>];

/**
 * Milliseconds of the calls of ONNX Runtime that a step of decoding makes on one thread, done again one after the other:
 * nothing of ours but these.
 */
export function measureCallsAlone(blocksDir: string, view: ModelView, streams: number): Promise<number> {
  return withCore(blocksDir, view, 1, async (core) => {
    const step = await openStreams(core, view, streams);
    for (let index = 0; index < WARM_UP; index++) await step();
    const steps: Call[][] = [];
    for (let index = 0; index < STEPS; index++) steps.push(await recorded(step));
    return median(steps.map((calls) => Math.min(...Array.from({ length: PASSES }, () => replay(calls)))));
  });
}

/**
 * Milliseconds of head and draw for one row, as a coordinator does it behind the last stage: after the layers, whose weights
 * have pushed the head's out of the nearer caches.
 */
export function measureDraw(blocksDir: string, view: ModelView, threads: number): Promise<number> {
  return withCore(blocksDir, view, threads, async (core) => {
    const hidden = new Float32Array(view.spec.hiddenSize).fill(0.5);
    const layers = await openStreams(core, view, 1, 'none');
    const draws: number[] = [];
    for (let index = 0; index < WARM_UP + STEPS; index++) {
      await layers();
      const started = performance.now();
      await core.sample({ modelRoot: view.root, hidden, position: CONTEXT, spec: GREEDY });
      draws.push(performance.now() - started);
    }
    return median(draws.slice(WARM_UP));
  });
}

/** An engine in this thread. */
async function withCore<T>(
  blocksDir: string,
  view: ModelView,
  threads: number,
  work: (core: EngineCore) => Promise<T>,
): Promise<T> {
  const { store, source } = await openStore(blocksDir);
  const core = new EngineCore(engineOptions({ threads }), {
    source,
    remote: () => Promise.reject(new Error('every expert is local here')),
  });
  try {
    core.loadModel(view);
    return await work(core);
  } finally {
    await core.stop();
    await store.stop();
  }
}

/** Sequences behind a prompt; each call takes one step of all of them. */
async function openStreams(
  core: EngineCore,
  view: ModelView,
  streams: number,
  output: 'sample' | 'none' = 'sample',
): Promise<() => Promise<unknown>> {
  const { layerCount, expertCount, vocabSize } = view.spec;
  const capacity = CONTEXT + WARM_UP + STEPS;
  const localExperts = new Uint8Array(layerCount * expertCount).fill(1);
  const layers = { firstLayer: 0, lastLayer: layerCount - 1 };
  const all = Array.from({ length: streams }, (_, index) => ({
    sequence: `stream ${index}`,
    ids: Uint32Array.from(promptTokens(capacity, vocabSize, index + 1)),
  }));
  for (const { sequence, ids } of all) {
    core.open({ sequence, modelRoot: view.root, ...layers, capacity, route: '', localExperts });
    await core.step({ sequence, position: 0, input: ids.slice(0, CONTEXT), output: 'none' });
  }
  let position = CONTEXT;
  return () => {
    const at = position++;
    return Promise.all(
      all.map(({ sequence, ids }) => {
        const input = ids.slice(at, at + 1);
        return core.step({ sequence, position: at, input, output, sample: GREEDY });
      }),
    );
  };
}

async function recorded(step: () => Promise<unknown>): Promise<Call[]> {
  const calls: Call[] = [];
  const { run } = Session.prototype;
  Session.prototype.run = function (this: Session, ...args): void {
    calls.push([this, ...args]);
    run.apply(this, args);
  };
  try {
    await step();
  } finally {
    Session.prototype.run = run;
  }
  return calls;
}

function replay(calls: readonly Call[]): number {
  const started = performance.now();
  for (const [session, ...args] of calls) session.run(...args);
  return performance.now() - started;
}
