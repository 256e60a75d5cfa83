import { AppError } from '@blyan/interface';
import type { ApiErrorBody } from './errors.ts';

/**
 * - `ERR_API_UNREACHABLE`: no answer came; is the gateway running at that address?
 * - `ERR_API_REFUSED`: the gateway answered with an error; `meta` has `status`, `type`, `param`, `serverCode`,
 *   `requestId`, and `retryAfterSeconds` where it said how long to wait.
 * - `ERR_API_BROKEN_ANSWER`: what came is not what the contract says, or a stream ended in the middle.
 */
export type ApiClientErrorCode = 'ERR_API_UNREACHABLE' | 'ERR_API_REFUSED' | 'ERR_API_BROKEN_ANSWER';

/** What the typed client throws. */
export class ApiClientError extends AppError<ApiClientErrorCode> {}

export function brokenAnswer(message: string, cause?: unknown): ApiClientError {
  return new ApiClientError('ERR_API_BROKEN_ANSWER', `${message} Is something else listening there?`, {
    kind: 'peer',
    cause,
  });
}

/** The error that a body, or the last event of a stream, tells of. */
export function refusedBy({ error }: ApiErrorBody, response: Response): ApiClientError {
  return new ApiClientError('ERR_API_REFUSED', error.message, {
    kind: response.status < 500 && response.status !== 200 ? 'caller' : 'peer',
    meta: {
      status: response.status,
      type: error.type,
      param: error.param ?? undefined,
      serverCode: error.code ?? undefined,
      missing: error.missing,
      requestId: response.headers.get('x-request-id') ?? undefined,
      retryAfterSeconds: secondsOf(response.headers.get('retry-after')),
    },
  });
}

/** Of a `retry-after` in seconds; the other form, a date, is nothing that a gateway sends. */
function secondsOf(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
}

/** A connection that ended in the middle of what it brought. */
export function brokenOff(cause: unknown): ApiClientError {
  const message = 'The connection to the gateway broke off in the middle of its answer: ask again.';
  return new ApiClientError('ERR_API_BROKEN_ANSWER', message, { kind: 'peer', cause });
}

/**
 * All of an answer.
 *
 * @throws ApiClientError ERR_API_BROKEN_ANSWER when the connection breaks off; the signal's reason
 */
export async function textOf(response: Response, signal: AbortSignal | null | undefined): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    throw brokenOff(cause);
  }
}

/** Every answer, and every event of a stream, is a JSON object. @throws ApiClientError ERR_API_BROKEN_ANSWER */
export function parseAnswer<T extends object>(text: string): T {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw brokenAnswer('The gateway answered with something that is not JSON.', cause);
  }
  if (typeof answer !== 'object' || answer === null) throw brokenAnswer('The gateway answered with no JSON object.');
  return answer as T;
}
