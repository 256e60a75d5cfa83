import { InferenceError } from '../errors.ts';

export function unknownStage(): InferenceError {
  const message = 'The sequence is not open on this node; it ended, expired or was cancelled.';
  return new InferenceError('ERR_INFERENCE_SEQUENCE_UNKNOWN', message, { kind: 'peer' });
}

export function closedStage(): InferenceError {
  return new InferenceError('ERR_INFERENCE_CANCELLED', 'The sequence was closed.');
}

export function planError(message: string): InferenceError {
  return new InferenceError('ERR_INFERENCE_PLAN', message, { kind: 'peer' });
}
