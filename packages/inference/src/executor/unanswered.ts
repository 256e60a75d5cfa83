import { AppError, errorCode, isRoot } from '@blyan/interface';
import { InferenceError } from '../errors.ts';

/** No holder of these experts answers; `cause` is how the last try ended. */
export function unanswered(layer: number, experts: readonly number[], cause?: unknown): InferenceError {
  const missing = experts.map((expert) => `expert:${layer}.${expert}`);
  // The last holder may have said which of its files is lost.
  const root =
    cause instanceof AppError && typeof cause.meta.root === 'string' && isRoot(cause.meta.root)
      ? cause.meta.root
      : null;
  const block = root === null ? '' : ` (block ${root})`;
  const code = cause === undefined ? '' : `, the last try ended with ${errorCode(cause)}`;
  const message = `No node that holds ${missing.join(', ')}${block} answers${code}; ask again when one is back, or start another holder.`;
  return new InferenceError('ERR_INFERENCE_MISSING_BLOCKS', message, {
    kind: 'peer',
    meta: { missing, ...(cause === undefined ? {} : { code: errorCode(cause) }), ...(root === null ? {} : { root }) },
    cause,
  });
}
