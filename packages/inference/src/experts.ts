import type { BlockCache } from './block-cache.ts';
import type { Heap } from './heap.ts';
import type { LoadedBlock } from './loaded-block.ts';
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
  at: { layer: number; expert: number; fresh: boolean },
  workspace: Workspace,
  x: number,
  y: number,
  rows: number,
): Promise<void> {
  const { heap, blocks } = context;
  const roots = expertRoots(model, at.layer, at.expert);
  for (const [slice, root] of roots.entries()) {
    await blocks.use(root, loadExpert, at.fresh, async (block) => {
      const product = block.product('expert');
      if (slice === 0) return product.run(heap, x, y, rows);
      const part = workspace.buffer('expert slice', bufferRows(rows) * product.out);
      await product.run(heap, x, part, rows);
      heap.kernels.add(y, part, rows * product.out);
    });
  }
}
