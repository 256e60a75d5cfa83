import type { ModelSpec } from '@blyan/model';
import type { Heap } from './heap.ts';
import type { StepRows } from './layer-pass.ts';
import type { Workspace } from './workspace.ts';

/**
 * Cosines and sines for every row of a step, [rows, headDim / 2] each, rounded as the reference does: the inverse
 * frequency and the angle are f32.
 */
export function ropeTables(
  heap: Heap,
  workspace: Workspace,
  spec: Pick<ModelSpec, 'headDim' | 'ropeTheta'>,
  steps: readonly StepRows[],
): { cos: number; sin: number } {
  const half = spec.headDim / 2;
  const rows = steps.reduce((sum, step) => sum + step.rows, 0);
  const cos = workspace.buffer('cos', rows * half);
  const sin = workspace.buffer('sin', rows * half);
  const cosines = heap.f32(cos, rows * half);
  const sines = heap.f32(sin, rows * half);
  const inverse = Float32Array.from(
    { length: half },
    (_, i) => 1 / Math.fround(spec.ropeTheta ** Math.fround((2 * i) / spec.headDim)),
  );
  let at = 0;
  for (const { kv, rows: count } of steps) {
    for (let row = 0; row < count; row++) {
      const position = kv.length + row;
      for (let i = 0; i < half; i++, at++) {
        const angle = Math.fround(position * (inverse[i] as number));
        cosines[at] = Math.cos(angle);
        sines[at] = Math.sin(angle);
      }
    }
  }
  return { cos, sin };
}
