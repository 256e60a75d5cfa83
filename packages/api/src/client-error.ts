import { AppError } from '@blyan/interface';

/**
 * - `ERR_API_UNREACHABLE`: no answer came; is the gateway running at that address?
 * - `ERR_API_REFUSED`: the gateway answered with an error; `meta` has `status`, `type`, `param`, `serverCode`, `requestId`.
 * - `ERR_API_BROKEN_ANSWER`: what came is not what the contract says, or a stream ended in the middle.
 */
export type ApiClientErrorCode = 'ERR_API_UNREACHABLE' | 'ERR_API_REFUSED' | 'ERR_API_BROKEN_ANSWER';

/** What the typed client throws. */
export class ApiClientError extends AppError<ApiClientErrorCode> {}
