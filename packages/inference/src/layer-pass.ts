import { paddedLength } from '@blyan/model';
import { InferenceError } from './errors.ts';
import { type ExpertContext, type ExpertRows, runExperts, runSwiGlu } from './experts.ts';
import { chooseExperts, type GateChoice } from './gate.ts';
import type { KvSequence } from './kv-cache.ts';
import type { LoadedBlock } from './loaded-block.ts';
import { loadTrunk } from './loaders.ts';
import type { ModelView } from './model-view.ts';
import { bufferRows } from './product.ts';
import { ropeTables } from './rope-tables.ts';
import { Turn } from './turn.ts';
import type { Workspace } from './workspace.ts';

/** Rows of one sequence in a step: positions kv.length, kv.length + 1, … */
export interface StepRows {
  readonly kv: KvSequence;
  readonly rows: number;
}

/** Asks other nodes to run experts: rows are [rows, hidden], `groups` name the rows of each expert. */
export interface RemoteExpertCall {
  readonly layer: number;
  readonly rows: Float32Array<ArrayBuffer>;
  readonly groups: readonly { readonly expert: number; readonly rows: readonly number[] }[];
}

/** Outputs in the order of `groups`, each [rows of the group, hidden]. */
export type RemoteExperts = (call: RemoteExpertCall) => Promise<readonly Float32Array[]>;

export interface PassOptions {
  readonly firstLayer: number;
  readonly lastLayer: number;
  /** Whether this node runs an expert itself. */
  readonly isLocal: (layer: number, expert: number) => boolean;
  readonly remote: RemoteExperts;
  /** Told of every choice of the gate, for counting. */
  readonly onGate: (layer: number, choice: GateChoice) => void;
}

interface Dimensions {
  readonly hidden: number;
  /** Stride of normalised rows: float matrices are stored with padded rows. */
  readonly stride: number;
  readonly attention: number;
  readonly attentionStride: number;
  readonly qkv: number;
  readonly gates: number;
}

function dimensions({ spec, quantised }: ModelView): Dimensions {
  const attention = spec.headCount * spec.headDim;
  return {
    hidden: spec.hiddenSize,
    stride: quantised ? spec.hiddenSize : paddedLength(spec.hiddenSize),
    attention,
    attentionStride: quantised ? attention : paddedLength(attention),
    qkv: (spec.headCount + 2 * spec.kvHeadCount) * spec.headDim,
    gates: spec.expertCount + (spec.sharedExpertFfnSize > 0 ? 1 : 0),
  };
}

/**
 * Runs hidden states [rows, hidden] at `hidden` through the layers, in place. A row's result has the same bits
 * whatever rows are beside it: products are row-invariant, everything else works row by row in a fixed order.
 */
export async function runLayers(
  context: ExpertContext,
  model: ModelView,
  steps: readonly StepRows[],
  hidden: number,
  workspace: Workspace,
  options: PassOptions,
): Promise<void> {
  const { team, blocks } = context;
  const { heap } = team;
  const { spec } = model;
  const size = dimensions(model);
  const rows = steps.reduce((sum, step) => sum + step.rows, 0);
  const height = bufferRows(rows);
  const { cos, sin } = ropeTables(heap, workspace, spec, steps);
  const normed = workspace.buffer('normed', height * size.stride);
  const qkv = workspace.buffer('qkv', height * size.qkv);
  const attended = workspace.buffer('attended', height * size.attentionStride);
  const projected = workspace.buffer('projected', height * size.hidden);
  const logits = workspace.buffer('router', rows * size.gates);
  const sum = workspace.buffer('experts sum', rows * size.hidden);
  const turn = new Turn();

  for (const step of steps) step.kv.reserve(step.kv.length + step.rows);
  for (let layer = options.firstLayer; layer <= options.lastLayer; layer++) {
    const root = model.trunks[layer] as string;
    await blocks.use(root, loadTrunk, async (trunk) => {
      const { kernels } = heap;
      kernels.rmsNorm(
        hidden,
        size.hidden,
        trunk.vector('input_norm'),
        normed,
        size.stride,
        rows,
        size.hidden,
        spec.rmsNormEps,
      );
      trunk.product('qkv_proj').run(normed, qkv, rows);
      if (turn.over) await turn.give();
      attention(trunk, layer);
      trunk.product('o_proj').run(attended, projected, rows);
      if (turn.over) await turn.give();
      kernels.add(hidden, projected, rows * size.hidden);
      const postNorm = trunk.vector('post_attention_norm');
      kernels.rmsNorm(hidden, size.hidden, postNorm, normed, size.stride, rows, size.hidden, spec.rmsNormEps);
      kernels.router(normed, size.stride, trunk.vector('router'), logits, rows, size.hidden, size.gates);
      await mixture(trunk, layer);
      kernels.add(hidden, sum, rows * size.hidden);
    });
  }
  for (const step of steps) step.kv.seek(step.kv.length + step.rows);

  function attention(trunk: LoadedBlock, layer: number): void {
    const { kernels } = heap;
    const { headCount, kvHeadCount, headDim } = spec;
    const keys = qkv + headCount * headDim * 4;
    const values = keys + kvHeadCount * headDim * 4;
    if (spec.attentionBias) kernels.addBias(qkv, size.qkv, trunk.vector('qkv_bias'), rows, size.qkv);
    if (spec.qkNorm !== 'none') {
      const [q, k] = [trunk.vector('q_norm'), trunk.vector('k_norm')];
      for (let row = 0; row < rows; row++) {
        const at = row * size.qkv * 4;
        normaliseHeads(qkv + at, q, headCount);
        normaliseHeads(keys + at, k, kvHeadCount);
      }
    }
    if (spec.clipQkv !== null) kernels.clip(qkv, size.qkv, rows, size.qkv, spec.clipQkv);
    kernels.rope(qkv, size.qkv, rows, headCount, headDim, cos, sin);
    kernels.rope(keys, size.qkv, rows, kvHeadCount, headDim, cos, sin);
    let from = 0;
    for (const { kv, rows: count } of steps) {
      const at = from * size.qkv * 4;
      const position = kv.length;
      const pages = kv.table(layer);
      kernels.storeKv(keys + at, values + at, size.qkv, count, position, kvHeadCount, headDim, pages);
      const out = attended + from * size.attentionStride * 4;
      const shape = { rows: count, position, heads: headCount, kvHeads: kvHeadCount, headDim, pages };
      team.attend({ q: qkv + at, qStride: size.qkv, out, outStride: size.attentionStride, ...shape });
      from += count;
    }
    team.run();
  }

  function normaliseHeads(pointer: number, weight: number, heads: number): void {
    const d = spec.headDim;
    const [count, n] = spec.qkNorm === 'head' ? [heads, d] : [1, heads * d];
    heap.kernels.rmsNorm(pointer, n, weight, pointer, n, count, n, spec.rmsNormEps);
  }

  /** sum = the weighted outputs of the chosen experts, by ascending expert id, then the shared expert. */
  async function mixture(trunk: LoadedBlock, layer: number): Promise<void> {
    const gate = heap.f32(logits, rows * size.gates);
    const choice = chooseExperts(gate, rows, size.gates, spec.expertCount, spec.expertsPerToken, spec.normTopkProb);
    options.onGate(layer, choice);
    const groups = groupByExpert(choice, rows, spec.expertsPerToken);
    const away = groups.filter(({ expert }) => !options.isLocal(layer, expert));
    const answer = away.length === 0 ? null : options.remote({ layer, rows: packRows(), groups: away });
    // Awaited below; a failure meanwhile must not count as unhandled.
    answer?.catch(() => undefined);

    const places = new Map<number, number>();
    let total = 0;
    for (const { expert, rows: members } of groups) {
      places.set(expert, total);
      total += bufferRows(members.length) * size.hidden;
    }
    const outputs = workspace.buffer('expert outputs', total);
    const calls = groups
      .filter(({ expert }) => options.isLocal(layer, expert))
      .map(({ expert, rows: members }): ExpertRows => {
        const y = outputs + (places.get(expert) as number) * 4;
        // All rows of the pass lie there already, in the order in which the groups list them.
        const input = members.length === rows ? normed : (x: number) => gather(members, x);
        return { expert, rows: members.length, input, y };
      });
    await runExperts(context, model, layer, calls, workspace, turn);
    const shared = spec.sharedExpertFfnSize > 0 ? sharedExpert(trunk) : null;
    for (const [index, values] of checked(await answer, away, size.hidden).entries()) {
      const group = away[index] as ExpertGroup;
      heap.f32(outputs + (places.get(group.expert) as number) * 4, values.length).set(values);
    }

    heap.f32(sum, rows * size.hidden).fill(0);
    for (const { expert, rows: members, weights } of groups) {
      let y = outputs + (places.get(expert) as number) * 4;
      for (let index = 0; index < members.length; index++, y += size.hidden * 4) {
        const target = sum + (members[index] as number) * size.hidden * 4;
        heap.kernels.addScaled(target, y, weights[index] as number, size.hidden);
      }
    }
    if (shared === null) return;
    const gates = heap.f32(logits, rows * size.gates);
    for (let row = 0; row < rows; row++) {
      const weight = 1 / (1 + Math.exp(-(gates[row * size.gates + spec.expertCount] as number)));
      const at = row * size.hidden * 4;
      heap.kernels.addScaled(sum + at, shared + at, weight, size.hidden);
    }
  }

  function sharedExpert(trunk: LoadedBlock): number {
    const out = workspace.buffer('shared', height * size.hidden);
    runSwiGlu(team, [{ expert: trunk.expert('shared_'), x: normed, y: out, rows }], workspace);
    return out;
  }

  function gather(members: readonly number[], x: number): void {
    const bytes = size.stride * 4;
    for (let index = 0; index < members.length; index++) {
      heap.kernels.spread(normed + (members[index] as number) * bytes, x + index * bytes, 1, size.stride, size.stride);
    }
  }

  function packRows(): Float32Array<ArrayBuffer> {
    const packed = new Float32Array(rows * size.hidden);
    const source = heap.f32(normed, rows * size.stride);
    for (let row = 0; row < rows; row++) {
      packed.set(source.subarray(row * size.stride, row * size.stride + size.hidden), row * size.hidden);
    }
    return packed;
  }
}

interface ExpertGroup {
  readonly expert: number;
  readonly rows: number[];
  readonly weights: number[];
}

/** The rows that chose each expert, by ascending expert id. */
export function groupByExpert(choice: GateChoice, rows: number, k: number): ExpertGroup[] {
  const groups: ExpertGroup[] = [];
  for (let index = 0; index < rows * k; index++) {
    const expert = choice.experts[index] as number;
    const row = Math.floor(index / k);
    const weight = choice.weights[index] as number;
    const at = firstFrom(groups, expert);
    const group = groups[at];
    if (group?.expert === expert) {
      group.rows.push(row);
      group.weights.push(weight);
    } else {
      groups.splice(at, 0, { expert, rows: [row], weights: [weight] });
    }
  }
  return groups;
}

/** Index of the first group, ascending by expert, that is of this one or a later. */
function firstFrom(groups: readonly ExpertGroup[], expert: number): number {
  let [low, high] = [0, groups.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((groups[middle] as ExpertGroup).expert < expert) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Outputs of remote experts, one of the right size for every group: anything else would be summed as if it were. */
function checked(
  outputs: readonly Float32Array[] | null,
  groups: readonly ExpertGroup[],
  hidden: number,
): readonly Float32Array[] {
  const fit =
    (outputs ?? []).length === groups.length &&
    groups.every((group, index) => outputs?.[index]?.length === group.rows.length * hidden);
  if (fit) return outputs ?? [];
  const message = 'Another node answered an expert call with a wrong number of rows.';
  throw new InferenceError('ERR_INFERENCE_FRAME', message, { kind: 'peer' });
}
