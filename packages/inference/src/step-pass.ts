import type { PassBlocks } from './block-cache.ts';
import type { Embedding } from './embedding.ts';
import { InferenceError } from './errors.ts';
import type { GateChoice } from './gate.ts';
import { drawToken, headLogits } from './head.ts';
import { type RemoteExpertCall, runLayers } from './layer-pass.ts';
import type { SampledToken, StepResult } from './messages.ts';
import type { ModelView } from './model-view.ts';
import type { KnownStep, OpenSequence, SequenceStep } from './open-sequence.ts';
import { bufferRows } from './product.ts';
import type { Team } from './team.ts';
import type { Workspace } from './workspace.ts';

export interface PassContext {
  readonly team: Team;
  readonly blocks: PassBlocks;
  readonly embedding: Embedding;
  readonly remote: (sequences: readonly string[], call: RemoteExpertCall) => Promise<readonly Float32Array[]>;
}

interface PlacedStep extends SequenceStep {
  readonly rows: number;
  /** Pointer to its first row in the pass. */
  readonly hidden: number;
}

type Output = Pick<StepResult, 'hidden' | 'tokens'>;

/** One pass over the layers for steps of one route; results in the order of the batch. What they used is counted. */
export async function runSteps(
  context: PassContext,
  workspace: Workspace,
  batch: readonly SequenceStep[],
): Promise<StepResult[]> {
  const { embedding } = context;
  const { heap } = context.team;
  const { model, kv, localExperts } = (batch[0] as SequenceStep).sequence;
  const { hiddenSize, expertCount } = model.spec;
  const started = performance.now();
  let waitedMs = 0;
  const inputs = await Promise.all(batch.map(({ request }) => inputRows(embedding, model, request)));
  const rows = inputs.reduce((sum, input) => sum + input.length, 0) / hiddenSize;
  const hidden = workspace.buffer('hidden', bufferRows(rows) * hiddenSize);
  let at = 0;
  const steps = batch.map((step, index): PlacedStep => {
    const input = inputs[index] as Float32Array;
    heap.f32(hidden, rows * hiddenSize).set(input, at);
    const placed = { ...step, rows: input.length / hiddenSize, hidden: hidden + at * 4 };
    at += input.length;
    return placed;
  });
  const choices: { layer: number; choice: GateChoice }[] = [];
  const sequences = batch.map(({ sequence }) => sequence.id);
  await runLayers(
    context,
    model,
    steps.map(({ sequence, rows: count }) => ({ kv: sequence.kv, rows: count })),
    hidden,
    workspace,
    {
      firstLayer: kv.firstLayer,
      lastLayer: kv.lastLayer,
      isLocal: (layer, expert) => localExperts[layer * expertCount + expert] === 1,
      remote: async (call) => {
        const asked = performance.now();
        try {
          return await context.remote(sequences, call);
        } finally {
          waitedMs += performance.now() - asked;
        }
      },
      onGate: (layer, choice) => choices.push({ layer, choice }),
    },
  );
  const outputs = await outputsOf(context, model, workspace, steps);
  const ms = Math.max(0, performance.now() - started - waitedMs) / batch.length;
  // Only now: a pass that failed is run again, step by step.
  for (const { layer, choice } of choices) countExperts(steps, layer, choice);
  return steps.map(({ sequence, rows: count }, index) => {
    sequence.steps++;
    sequence.ms += ms;
    return { ...outputs[index], ms, rows: count };
  });
}

async function inputRows(embedding: Embedding, model: ModelView, { input }: KnownStep): Promise<Float32Array> {
  const tokens = input instanceof Uint32Array;
  const { hiddenSize } = model.spec;
  if (input.length === 0 || (!tokens && input.length % hiddenSize !== 0)) {
    const message = `The input of a step must be token ids or whole rows of ${hiddenSize} values.`;
    throw new InferenceError('ERR_INFERENCE_RANGE', message, { kind: 'peer' });
  }
  return tokens ? embedding.lookup(model, input) : input;
}

async function outputsOf(
  context: PassContext,
  model: ModelView,
  workspace: Workspace,
  steps: readonly PlacedStep[],
): Promise<Output[]> {
  const { hiddenSize } = model.spec;
  const pointer = ({ hidden }: PlacedStep, row: number) => hidden + row * hiddenSize * 4;
  const slice = (step: PlacedStep, rows: number) =>
    context.team.heap.f32(pointer(step, step.rows - rows), rows * hiddenSize).slice();
  const wantedRows = (step: PlacedStep) => Math.min(step.rows, Math.max(1, step.request.wanted ?? 1));
  const drawn = steps
    .filter(({ request }) => request.output === 'sample')
    .flatMap((step) =>
      Array.from({ length: wantedRows(step) }, (_, row) => ({ step, row: step.rows - wantedRows(step) + row })),
    );
  const rows = drawn.map(({ step, row }) => pointer(step, row));
  const logits = rows.length > 0 ? await headLogits(context, model, workspace, rows) : [];
  return steps.map((step): Output => {
    const { output } = step.request;
    if (output === 'all') return { hidden: slice(step, step.rows) };
    if (output === 'last') return { hidden: slice(step, wantedRows(step)) };
    if (output === 'none') return {};
    const own = drawn.flatMap((one, index) =>
      one.step === step ? { row: one.row, logits: logits[index] as Float32Array } : [],
    );
    return { tokens: own.map(({ row, logits: values }, index) => draw(step, row, values, index)) };
  });
}

function draw({ request }: PlacedStep, row: number, logits: Float32Array, wanted: number): SampledToken {
  const { sample, masks, position } = request;
  if (sample) return drawToken(logits, sample, position + row + 1, masks?.[wanted]);
  throw new InferenceError('ERR_INFERENCE_RANGE', 'A step that draws a token must say how.', { kind: 'peer' });
}

/** Adds a layer's choices to the counts of the sequences whose rows they are. */
function countExperts(steps: readonly PlacedStep[], layer: number, { experts }: GateChoice): void {
  let at = 0;
  for (const { sequence, rows } of steps) {
    const { expertCount, expertsPerToken } = sequence.model.spec;
    const end = at + rows * expertsPerToken;
    for (; at < end; at++) addOne(sequence, layer * expertCount + (experts[at] as number));
  }
}

function addOne({ expertRows }: OpenSequence, slot: number): void {
  expertRows[slot] = (expertRows[slot] as number) + 1;
}
