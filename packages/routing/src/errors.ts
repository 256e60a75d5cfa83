import { AppError, type AppErrorOptions } from '@blyan/interface';

export type RoutingErrorCode =
  | 'ERR_ROUTING_HOST_SPEC'
  | 'ERR_ROUTING_MODEL'
  | 'ERR_ROUTING_NODE_COUNT'
  | 'ERR_ROUTING_HARDWARE'
  | 'ERR_ROUTING_PLAN_BYTES';

/** An argument the router cannot work with; `meta` names the part. Refused plans are values, not errors. */
export class RoutingError extends AppError<RoutingErrorCode> {
  constructor(code: RoutingErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}
