import { ApiClientError, type ChatCompletionChunk } from '@blyan/api';
import type { Answer, Failure } from './conversation.ts';

const TAKEN_OVER = 'ERR_GATEWAY_ANSWER_TAKEN_OVER';

/**
 * Tells what a stream makes of an answer, chunk by chunk. A resumed stream begins anew: what was `known` of the text stays
 * until there is more. Always ends, and never throws.
 */
export async function runAnswer(
  stream: AsyncIterable<ChatCompletionChunk>,
  signal: AbortSignal,
  known: string,
  tell: (change: Partial<Answer>) => void,
): Promise<void> {
  let text = '';
  try {
    for await (const { choices, blyan: report, usage } of stream) {
      const [choice] = choices;
      text += choice?.delta.content ?? '';
      tell({
        ...(text.length > known.length && { text }),
        ...(choice?.finish_reason === 'length' && { isCut: true }),
        ...(report && { report }),
        ...(usage && { usage }),
      });
    }
    tell({ text, status: 'done' });
  } catch (error) {
    if (signal.aborted) return tell({ status: 'stopped' });
    const failure = failureOf(error);
    // Another window goes on with it, and says how.
    if (failure.code !== TAKEN_OVER) tell({ status: 'failed', failure });
  }
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof ApiClientError)) return { message: String(error), code: 'ERR_PAGE' };
  const { type, serverCode, retryAfterSeconds } = error.meta;
  return {
    message: error.message,
    code: typeof serverCode === 'string' ? serverCode : error.code,
    ...(typeof type === 'string' && { type }),
    ...(typeof retryAfterSeconds === 'number' && { retryAtMs: Date.now() + 1000 * retryAfterSeconds }),
  };
}
