import type { ModelSpec } from '@blyan/model';
import { MAX_FRAME_BYTES, MAX_STEP_ROWS } from '@blyan/params';
import { CHUNK_ROWS } from './deadlines.ts';

/** Rows of a prompt in one step: one holder may have to answer for every expert of every row in a single frame. */
export function chunkRows({ hiddenSize, expertsPerToken }: ModelSpec): number {
  const most = Math.floor(MAX_FRAME_BYTES / 2 / (hiddenSize * 4 * expertsPerToken));
  return Math.max(1, Math.min(CHUNK_ROWS, MAX_STEP_ROWS, most));
}
