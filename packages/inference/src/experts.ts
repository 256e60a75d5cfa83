import type { Root } from '@blyan/interface';
import { paddedLength } from '@blyan/model';
import type { PassBlocks } from './block-cache.ts';
import { InferenceError } from './errors.ts';
import type { LoadedBlock, SwiGlu } from './loaded-block.ts';
import { loadExpert } from './loaders.ts';
import type { ExpertsRequest } from './messages.ts';
import { expertRoots, type ModelView } from './model-view.ts';
import { bufferRows } from './product.ts';
import type { Team } from './team.ts';
import { Turn } from './turn.ts';
import type { Workspace } from './workspace.ts';

/** Experts whose blocks are held, and whose halves are computed, together: few, so that memory stays bounded. */
const TOGETHER = 8;

/** Rows of one expert. */
export interface ExpertRows {
  readonly expert: number;
  readonly rows: number;
  /**
   * Where the inputs lie in the heap, with room for `bufferRows(rows)`, or what writes them there: [rows, stride], as wide as
   * the model's matrices are stored.
   */
  readonly input: number | ((x: number, stride: number) => void);
  /** Where the outputs go in the heap, [rows, hidden]. */
  readonly y: number;
}

export interface ExpertContext {
  readonly team: Team;
  readonly blocks: PassBlocks;
}

/** Runs experts of a layer. Slices along the FFN dimension are summed in slice order, on every node alike. */
export async function runExperts(
  context: ExpertContext,
  model: ModelView,
  layer: number,
  calls: readonly ExpertRows[],
  workspace: Workspace,
  turn: Turn,
): Promise<void> {
  const { team, blocks } = context;
  const { heap } = team;
  const { hiddenSize } = model.spec;
  const stride = model.quantised ? hiddenSize : paddedLength(hiddenSize);
  for (let from = 0; from < calls.length; from += TOGETHER) {
    const some = calls.slice(from, from + TOGETHER);
    const slices = some.map(({ expert }) => expertRoots(model, layer, expert));
    await blocks.useAll(slices.flat(), loadExpert, (loaded) => {
      let height = 0;
      let further = 0;
      for (const [index, { input, rows }] of some.entries()) {
        if (typeof input !== 'number') height += bufferRows(rows);
        further += bufferRows(rows) * (sizeOf(slices[index]) - 1);
      }
      let gathered = workspace.buffer('expert input', height * stride);
      const parts = workspace.buffer('expert slices', further * hiddenSize);
      let [part, block] = [parts, 0];
      const halves: ExpertCall[] = [];
      for (const [index, { input, rows, y }] of some.entries()) {
        const x = typeof input === 'number' ? input : gathered;
        if (typeof input !== 'number') {
          input(x, stride);
          gathered += bufferRows(rows) * stride * 4;
        }
        for (let slice = 0; slice < sizeOf(slices[index]); slice++) {
          const expert = (loaded[block++] as LoadedBlock).expert('');
          halves.push({ expert, x, y: slice === 0 ? y : part, rows });
          if (slice > 0) part += bufferRows(rows) * hiddenSize * 4;
        }
      }
      runSwiGlu(team, halves, workspace);
      part = parts;
      for (const [index, { rows, y }] of some.entries()) {
        for (let slice = 1; slice < sizeOf(slices[index]); slice++) {
          heap.kernels.add(y, part, rows * hiddenSize);
          part += bufferRows(rows) * hiddenSize * 4;
        }
      }
    });
    if (turn.over) await turn.give();
  }
}

function sizeOf(roots: readonly Root[] | undefined): number {
  return roots?.length ?? 0;
}

/** Rows of a loaded expert, in the heap. */
interface ExpertCall {
  readonly expert: SwiGlu;
  readonly x: number;
  readonly y: number;
  readonly rows: number;
}

/** Runs loaded experts: the first halves of those that are cut, then all the rest. */
export function runSwiGlu(team: Team, calls: readonly ExpertCall[], workspace: Workspace): void {
  const size = calls.reduce((sum, { expert, rows }) => sum + bufferRows(rows) * (expert.first?.out ?? 0), 0);
  const inner = size > 0 ? workspace.buffer('expert inner', size) : 0;
  let at = inner;
  for (const { expert, x, rows } of calls) {
    expert.first?.queue(x, at, rows);
    at += bufferRows(rows) * (expert.first?.out ?? 0) * 4;
  }
  if (size > 0) team.run();
  at = inner;
  for (const { expert, x, y, rows } of calls) {
    expert.last.queue(expert.first ? at : x, y, rows);
    at += bufferRows(rows) * (expert.first?.out ?? 0) * 4;
  }
  team.run();
}

/**
 * Runs experts over rows that came from another node: the outputs of the groups one after the other.
 * @throws InferenceError ERR_INFERENCE_RANGE for rows or experts that the model does not have, or more of them than its
 *   gate could have chosen.
 */
export async function runExpertGroups(
  context: ExpertContext,
  model: ModelView,
  request: ExpertsRequest,
  workspace: Workspace,
): Promise<Float32Array<ArrayBuffer>> {
  const { heap } = context.team;
  const { hiddenSize } = model.spec;
  const outputs = new Float32Array(checkedRows(model, request) * hiddenSize);
  const height = request.groups.reduce((sum, { rows }) => sum + bufferRows(rows.length), 0);
  let y = workspace.buffer('expert outputs', height * hiddenSize);
  const calls = request.groups.map(({ expert, rows }): ExpertRows => {
    const input = (x: number, stride: number) => {
      const target = heap.f32(x, rows.length * stride);
      rows.forEach((row, index) => {
        target.set(request.rows.subarray(row * hiddenSize, (row + 1) * hiddenSize), index * stride);
      });
    };
    const call = { expert, rows: rows.length, input, y };
    y += bufferRows(rows.length) * hiddenSize * 4;
    return call;
  });
  await runExperts(context, model, request.layer, calls, workspace, new Turn());
  let at = 0;
  for (const call of calls) {
    outputs.set(heap.f32(call.y, call.rows * hiddenSize), at);
    at += call.rows * hiddenSize;
  }
  return outputs;
}

/** Rows of all groups together. */
function checkedRows({ spec }: ModelView, { rows, groups }: ExpertsRequest): number {
  const count = rows.length / spec.hiddenSize;
  const total = groups.reduce((sum, group) => sum + group.rows.length, 0);
  const fit = groups.every((group) => {
    return group.rows.length > 0 && group.rows.every((row) => Number.isInteger(row) && row >= 0 && row < count);
  });
  if (Number.isInteger(count) && fit && total <= count * spec.expertsPerToken) return total;
  const message = 'The rows of an expert call do not fit the model.';
  throw new InferenceError('ERR_INFERENCE_RANGE', message, { kind: 'peer' });
}
