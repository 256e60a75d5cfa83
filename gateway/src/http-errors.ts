import { API_LIMITS, type ApiErrorBody, type ApiErrorType, QUOTE_HEADER } from '@blyan/api';
import { AppError, type ErrorKind } from '@blyan/interface';
import { GatewayError, type GatewayErrorCode } from './errors.ts';

interface Rule {
  readonly status: number;
  readonly type: ApiErrorType;
  /** `error.code` where OpenAI has a name for it; otherwise our own code. */
  readonly code?: string;
  readonly param?: string;
  /** Seconds; also makes the OpenAI clients try again. */
  readonly retryAfter?: number;
}

export interface HttpError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ApiErrorBody;
}

const invalid = (status = 400, more: Partial<Rule> = {}): Rule => ({ status, type: 'invalid_request_error', ...more });
const shard: Rule = { status: 503, type: 'shard_unavailable', retryAfter: 2 };
const internal: Rule = { status: 500, type: 'server_error' };
const forbidden: Rule = { status: 403, type: 'permission_error' };
const unknownCaller: Rule = { status: 401, type: 'authentication_error' };

const OWN: Readonly<Record<GatewayErrorCode, Rule>> = {
  ERR_GATEWAY_PORT_TAKEN: internal,
  ERR_GATEWAY_ADDRESS_UNUSABLE: internal,
  ERR_GATEWAY_PAGE_MISSING: invalid(404),
  ERR_GATEWAY_REQUEST_INVALID: invalid(),
  ERR_GATEWAY_BODY_TOO_LARGE: invalid(413),
  ERR_GATEWAY_MEDIA_TYPE: invalid(415),
  ERR_GATEWAY_UNSUPPORTED: invalid(400, { code: 'unsupported_parameter' }),
  ERR_GATEWAY_TOOLS_UNSUPPORTED: invalid(400, { code: 'unsupported_parameter' }),
  ERR_GATEWAY_ROUTE_UNKNOWN: invalid(404),
  ERR_GATEWAY_METHOD_NOT_ALLOWED: invalid(405),
  ERR_GATEWAY_HOST_REFUSED: forbidden,
  ERR_GATEWAY_MODEL_UNKNOWN: invalid(404, { code: 'model_not_found', param: 'model' }),
  ERR_GATEWAY_CONTEXT_EXCEEDED: invalid(400, { code: 'context_length_exceeded' }),
  ERR_GATEWAY_LOGITS_NOT_LOCAL: { status: 403, type: 'permission_error', param: 'blyan.return_logits' },
  ERR_GATEWAY_LOGITS_TOO_LARGE: invalid(400, { param: 'max_tokens' }),
  ERR_GATEWAY_TOO_MANY_ANSWERS: { status: 429, type: 'rate_limit_error', retryAfter: 1 },
  ERR_GATEWAY_CLIENT_GONE: invalid(499),
  ERR_GATEWAY_CLIENT_STALLED: invalid(408),
  ERR_GATEWAY_ANSWER_UNKNOWN: invalid(404, { code: 'answer_not_found' }),
  ERR_GATEWAY_ANSWER_TAKEN_OVER: invalid(409),
  ERR_GATEWAY_CHAIN_UNKNOWN: invalid(404, { code: 'not_found' }),
  ERR_GATEWAY_CHAIN_MISSING: { status: 503, type: 'overloaded_error' },
  ERR_GATEWAY_TOO_MANY_WATCHERS: { status: 429, type: 'rate_limit_error', retryAfter: 5 },
  ERR_GATEWAY_SIGN_IN_UNAVAILABLE: forbidden,
  ERR_GATEWAY_ORIGIN_REFUSED: forbidden,
  ERR_GATEWAY_CHAIN_ID: invalid(),
  ERR_GATEWAY_SIWE_MESSAGE: invalid(),
  ERR_GATEWAY_SIWE_NONCE: unknownCaller,
  ERR_GATEWAY_SIWE_MISMATCH: unknownCaller,
  ERR_GATEWAY_SIWE_SIGNATURE: unknownCaller,
  ERR_GATEWAY_RPC: { status: 503, type: 'overloaded_error', retryAfter: 5 },
  ERR_GATEWAY_UNAUTHENTICATED: unknownCaller,
  ERR_GATEWAY_KEY_UNKNOWN: { ...unknownCaller, code: 'invalid_api_key' },
  ERR_GATEWAY_DEVICE_CODE: invalid(404),
  ERR_GATEWAY_SCOPE: forbidden,
  ERR_GATEWAY_TOO_MANY_KEYS: invalid(409),
  ERR_GATEWAY_RATE_LIMITED: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  ERR_GATEWAY_TOO_MANY_STREAMS: { status: 429, type: 'rate_limit_error', retryAfter: 1 },
  ERR_GATEWAY_QUOTA: { status: 429, type: 'rate_limit_error' },
  ERR_GATEWAY_CREDIT: { status: 402, type: 'insufficient_quota', code: 'insufficient_quota' },
  ERR_GATEWAY_QUOTE_UNKNOWN: invalid(400, { param: QUOTE_HEADER }),
  ERR_GATEWAY_QUOTE_EXCEEDED: invalid(400, { param: QUOTE_HEADER }),
  ERR_GATEWAY_NOT_LOCAL: forbidden,
  ERR_GATEWAY_LEDGER_MISSING: { status: 503, type: 'overloaded_error' },
  ERR_GATEWAY_PRICES: internal,
  ERR_GATEWAY_AUTH_FULL: { status: 503, type: 'overloaded_error' },
  ERR_GATEWAY_AUTH_STORE: { status: 503, type: 'overloaded_error', retryAfter: 2 },
  ERR_GATEWAY_STOPPING: { status: 503, type: 'overloaded_error', retryAfter: 2 },
  ERR_GATEWAY_ANSWER_INCOMPLETE: internal,
};

/** Codes of the packages below, by how they end: the gateway knows their convention, not their lists. First match wins. */
const BY_CODE: readonly (readonly [RegExp, Rule])[] = [
  [/_MODEL_UNKNOWN$/, invalid(404, { code: 'model_not_found', param: 'model' })],
  [/_CONTEXT(_LENGTH)?(_EXCEEDED)?$/, invalid(400, { code: 'context_length_exceeded' })],
  [/_KV_BUDGET$/, invalid(400, { param: 'max_tokens' })],
  [/_MODEL_TEMPLATE$/, invalid(400, { param: 'messages' })],
  [/_(MISSING_BLOCKS|BLOCKS_MISSING|NOT_COVERED)$/, shard],
  [/_PRUNED$/, invalid(410)],
  [/_CHAIN_CLOSED$/, { status: 503, type: 'overloaded_error', retryAfter: 2 }],
  [/_CHAIN_HALTED$/, { status: 503, type: 'overloaded_error' }],
  [/_MEMPOOL_(CONFLICT|STALE)$/, invalid(409)],
  [/_MEMPOOL_(AUTHOR|FULL)$/, { status: 429, type: 'rate_limit_error', retryAfter: 5 }],
  // What cannot be written down is not computed.
  [/_LEDGER_(UNAVAILABLE|DISK_FULL)$/, { status: 503, type: 'overloaded_error', retryAfter: 5 }],
  [/_NONCE(_[A-Z]+)?$/, invalid(409)],
  [/_PLAN_(REFUSED|IMPOSSIBLE|UNAVAILABLE)$/, invalid(400, { param: 'blyan.plan' })],
  [
    /_(BUSY|OVERLOADED|QUEUE_FULL|CAPACITY|STOPPED|NOT_RUNNING)$/,
    { status: 503, type: 'overloaded_error', retryAfter: 1 },
  ],
  [/_(PEER_GONE|STAGE|DEADLINE|TIMEOUT|UNREACHABLE|UNAVAILABLE|CORRUPT)$/, shard],
];

const BY_KIND: Readonly<Record<ErrorKind, Rule>> = { caller: invalid(), peer: shard, internal };

/** Fastify's own errors, restated as ours. */
const FASTIFY: Readonly<Record<string, (error: Error) => GatewayError>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: (error) => bad(`The body is not valid JSON: ${error.message}`),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => bad('The body is empty: send a JSON object.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => bad('The body is not as long as its content-length header says.'),
  FST_ERR_BAD_URL: () => bad('The path is not a valid URL path.'),
  FST_ERR_MAX_PARAM_LENGTH: () => bad('A part of the path is too long.'),
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new GatewayError(
      'ERR_GATEWAY_BODY_TOO_LARGE',
      `The body is larger than this route takes (${API_LIMITS.bodyBytes} bytes, a record ${API_LIMITS.recordBodyBytes}): shorten it.`,
    ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new GatewayError('ERR_GATEWAY_MEDIA_TYPE', 'Send the body as JSON, with "content-type: application/json".'),
};

const bad = (message: string) => new GatewayError('ERR_GATEWAY_REQUEST_INVALID', message, { kind: 'caller' });

const MAX_MESSAGE = 2000;
const MAX_MISSING = 256;

/**
 * The one table from errors to HTTP: status, headers and body. An error that is not ours says nothing of itself but the
 * request id, under which it is logged.
 */
export function toHttpError(error: unknown, requestId: string): HttpError {
  const known = asAppError(error);
  if (known === null) {
    const message = `Something went wrong here; the gateway's log has it under the beginning of request ${requestId}.`;
    return { status: 500, headers: {}, body: { error: { message, type: 'server_error', param: null, code: null } } };
  }
  const rule = ruleOf(known);
  const param = typeof known.meta.param === 'string' ? known.meta.param : rule.param;
  const missing = Array.isArray(known.meta.missing) ? known.meta.missing.slice(0, MAX_MISSING) : undefined;
  const headers: Record<string, string> = {};
  const retryAfter = known.meta.retryAfterSeconds ?? rule.retryAfter;
  if (typeof retryAfter === 'number') headers['retry-after'] = String(retryAfter);
  if (rule.status === 401) headers['www-authenticate'] = 'Bearer';
  if (typeof known.meta.allow === 'string') headers.allow = known.meta.allow;
  const fields = { type: rule.type, param: param ?? null, code: rule.code ?? known.code };
  return {
    status: rule.status,
    headers,
    body: { error: { message: known.message.slice(0, MAX_MESSAGE), ...fields, ...(missing && { missing }) } },
  };
}

function ruleOf(error: AppError): Rule {
  if (Object.hasOwn(OWN, error.code)) return OWN[error.code as GatewayErrorCode];
  return BY_CODE.find(([pattern]) => pattern.test(error.code))?.[1] ?? BY_KIND[error.kind];
}

function asAppError(error: unknown): AppError | null {
  if (error instanceof AppError) return error;
  if (!(error instanceof Error)) return null;
  const { code, statusCode, validation } = error as Error & Partial<FastifyFields>;
  if (validation !== undefined) return validationError(validation);
  const restate = code !== undefined && Object.hasOwn(FASTIFY, code) ? FASTIFY[code] : undefined;
  if (restate !== undefined) return restate(error);
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? bad(error.message) : null;
}

interface FastifyFields {
  readonly code: string;
  readonly statusCode: number;
  readonly validation: readonly { readonly instancePath?: string; readonly message?: string }[];
}

function validationError(validation: FastifyFields['validation']): GatewayError {
  const first = validation[0];
  const param = (first?.instancePath ?? '').replace(/^\//, '').replaceAll('/', '.').slice(0, 200);
  const message = first?.message ?? 'Invalid input';
  return new GatewayError('ERR_GATEWAY_REQUEST_INVALID', param === '' ? message : `${param}: ${message}`, {
    kind: 'caller',
    meta: { param: param === '' ? undefined : param },
  });
}
