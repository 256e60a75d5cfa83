import { MAX_STEP_ROWS } from '@blyan/params';
import type { InferenceErrorCode } from '../errors.ts';
import { allFinite } from '../finite.ts';
import type { StepInput } from '../messages.ts';
import type { FrameVerdict, OpenStage } from './open-stage.ts';
import type { StageStep } from './stage-port.ts';

/** No whole number for what cannot be rows. */
export function rowsOf(input: StepInput, hiddenSize: number): number {
  return input instanceof Uint32Array ? input.length : input.length / hiddenSize;
}

/** What is wrong with a step; null when nothing is. */
export function wrongStep(
  stage: OpenStage,
  { position, wanted }: StageStep,
  input: StepInput,
  rows: number,
  verdict: FrameVerdict,
): { code: InferenceErrorCode; what: string } | null {
  const { capacity, pendingRows } = stage;
  if (verdict === 'gap') return { code: 'ERR_INFERENCE_POSITION', what: 'would leave a gap' };
  if (verdict === 'stale') return { code: 'ERR_INFERENCE_POSITION', what: 'comes again and again' };
  if (!Number.isInteger(rows) || rows < 1 || wanted > rows)
    return { code: 'ERR_INFERENCE_RANGE', what: 'is no whole number of rows, or asks for rows it does not bring' };
  if (rows > MAX_STEP_ROWS || position + rows > capacity || pendingRows + rows > capacity + MAX_STEP_ROWS)
    return { code: 'ERR_INFERENCE_CAPACITY', what: 'is more than the sequence was opened for or one frame may carry' };
  if (!(input instanceof Float32Array) || allFinite(input)) return null;
  return { code: 'ERR_INFERENCE_NOT_FINITE', what: 'holds what is no number' };
}
