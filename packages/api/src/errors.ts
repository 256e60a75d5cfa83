import { z } from 'zod';

/** Values of `error.type`; the HTTP status says the same more coarsely. */
export const API_ERROR_TYPES = [
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'insufficient_quota',
  'rate_limit_error',
  'server_error',
  'overloaded_error',
  'shard_unavailable',
] as const;
export type ApiErrorType = (typeof API_ERROR_TYPES)[number];

/** The body of every answer with a status of 400 or more, and of the last event of a stream that failed. */
export const apiErrorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.enum(API_ERROR_TYPES),
    /** Dotted path of the field at fault, as `messages.0.content`. */
    param: z.string().nullable(),
    code: z.string().nullable(),
    /** Labels of the blocks nobody hosts; only with `shard_unavailable`. */
    missing: z.array(z.string()).optional(),
  }),
});
export type ApiErrorBody = z.infer<typeof apiErrorBody>;
