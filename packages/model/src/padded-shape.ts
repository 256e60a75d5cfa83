import { paddedLength } from './onnx/index.ts';

/** Their zero rows become the zero columns that follow the hidden values of the FFN. */
const RAISING = new Set(['gate_proj', 'up_proj', 'shared_gate_proj', 'shared_up_proj']);

/** The stored shape of an f32 matrix [out, in]: what the engine maps without copying. */
export function paddedShape(name: string, outputs: number, inputs: number): [number, number] {
  return [RAISING.has(name) ? paddedLength(outputs) : outputs, paddedLength(inputs)];
}
