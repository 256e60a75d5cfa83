import { AppError } from '@blyan/interface';

export type GatewayErrorCode =
  | 'ERR_GATEWAY_PORT_TAKEN'
  | 'ERR_GATEWAY_ADDRESS_UNUSABLE'
  | 'ERR_GATEWAY_PAGE_MISSING'
  | 'ERR_GATEWAY_REQUEST_INVALID'
  | 'ERR_GATEWAY_BODY_TOO_LARGE'
  | 'ERR_GATEWAY_MEDIA_TYPE'
  | 'ERR_GATEWAY_UNSUPPORTED'
  | 'ERR_GATEWAY_ROUTE_UNKNOWN'
  | 'ERR_GATEWAY_METHOD_NOT_ALLOWED'
  | 'ERR_GATEWAY_HOST_REFUSED'
  | 'ERR_GATEWAY_MODEL_UNKNOWN'
  | 'ERR_GATEWAY_CONTEXT_EXCEEDED'
  | 'ERR_GATEWAY_LOGITS_NOT_LOCAL'
  | 'ERR_GATEWAY_LOGITS_TOO_LARGE'
  | 'ERR_GATEWAY_TOO_MANY_ANSWERS'
  | 'ERR_GATEWAY_CLIENT_GONE'
  | 'ERR_GATEWAY_STOPPING'
  | 'ERR_GATEWAY_ANSWER_INCOMPLETE';

/**
 * What the gateway itself refuses or fails at; `http-errors.ts` gives each code its status. `meta.param` is the dotted
 * path of the field at fault, `meta.allow` the methods a path has.
 */
export class GatewayError extends AppError<GatewayErrorCode> {}
