import { paddedLength } from '@blyan/model';
import type { BlockCache } from './block-cache.ts';
import { InferenceError } from './errors.ts';
import type { Heap } from './heap.ts';
import type { LoadedBlock } from './loaded-block.ts';
import type { ExpertsRequest } from './messages.ts';
import { expertRoots, type ModelView } from './model-view.ts';
import { bufferRows } from './product.ts';
import type { Workspace } from './workspace.ts';

const loadExpert = (block: LoadedBlock) => block.loadExpert('');

/**
 * Runs one expert over rows that lie in the heap: x [rows, stride of the model] -> y [rows, hidden]. Slices along the
 * FFN dimension are summed in slice order, on every node alike.
 */
export async function runExpert(
  context: { heap: Heap; blocks: BlockCache },
  model: ModelView,
  at: { layer: number; expert: number },
  workspace: Workspace,
  x: number,
  y: number,
  rows: number,
): Promise<void> {
  const { heap, blocks } = context;
  const roots = expertRoots(model, at.layer, at.expert);
  for (const [slice, root] of roots.entries()) {
    await blocks.use(root, loadExpert, async (block) => {
      const product = block.product('expert');
      if (slice === 0) return product.run(heap, x, y, rows);
      const part = workspace.buffer('expert slice', bufferRows(rows) * product.out);
      await product.run(heap, x, part, rows);
      heap.kernels.add(y, part, rows * product.out);
    });
  }
}

/**
 * Runs experts over rows that came from another node: the outputs of the groups one after the other.
 * @throws InferenceError ERR_INFERENCE_RANGE for rows or experts that the model does not have, or more of them than its
 *   gate could have chosen.
 */
export async function runExpertGroups(
  context: { heap: Heap; blocks: BlockCache },
  model: ModelView,
  request: ExpertsRequest,
  workspace: Workspace,
): Promise<Float32Array<ArrayBuffer>> {
  const { heap } = context;
  const { hiddenSize } = model.spec;
  const stride = model.quantised ? hiddenSize : paddedLength(hiddenSize);
  const outputs = new Float32Array(checkedRows(model, request) * hiddenSize);
  let at = 0;
  for (const { expert, rows } of request.groups) {
    const height = bufferRows(rows.length);
    const x = workspace.buffer('expert input', height * stride);
    const y = workspace.buffer('expert outputs', height * hiddenSize);
    const input = heap.f32(x, rows.length * stride);
    rows.forEach((row, index) => {
      input.set(request.rows.subarray(row * hiddenSize, (row + 1) * hiddenSize), index * stride);
    });
    await runExpert(context, model, { layer: request.layer, expert }, workspace, x, y, rows.length);
    outputs.set(heap.f32(y, rows.length * hiddenSize), at);
    at += rows.length * hiddenSize;
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
