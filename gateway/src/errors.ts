import { AppError } from '@blyan/interface';

export type GatewayErrorCode =
  /** Another program listens on the address; stop it, or choose another. */
  | 'ERR_GATEWAY_PORT_TAKEN'
  /** The address is not of this machine, or this user may not listen on it. */
  | 'ERR_GATEWAY_ADDRESS_UNUSABLE'
  | 'ERR_GATEWAY_PAGE_MISSING'
  /** The body, the path or a field is not what the route takes; `param` names the field. */
  | 'ERR_GATEWAY_REQUEST_INVALID'
  | 'ERR_GATEWAY_BODY_TOO_LARGE'
  | 'ERR_GATEWAY_MEDIA_TYPE'
  /** The request asks for something that would change the answer and is not implemented; `param` names it. */
  | 'ERR_GATEWAY_UNSUPPORTED'
  /** The model's chat template has no tools, or none whose calls can be read; ask a model that has them. */
  | 'ERR_GATEWAY_TOOLS_UNSUPPORTED'
  /** There is nothing at this path. */
  | 'ERR_GATEWAY_ROUTE_UNKNOWN'
  /** The path does not take this method; the `allow` header lists those it takes. */
  | 'ERR_GATEWAY_METHOD_NOT_ALLOWED'
  | 'ERR_GATEWAY_HOST_REFUSED'
  /** No such model is served here; the sentence lists those that are. */
  | 'ERR_GATEWAY_MODEL_UNKNOWN'
  /** The prompt leaves no room in the context for a token of the answer. */
  | 'ERR_GATEWAY_CONTEXT_EXCEEDED'
  | 'ERR_GATEWAY_LOGITS_NOT_LOCAL'
  | 'ERR_GATEWAY_LOGITS_TOO_LARGE'
  /** As many answers as allowed are being generated; ask again in a moment. */
  | 'ERR_GATEWAY_TOO_MANY_ANSWERS'
  | 'ERR_GATEWAY_CLIENT_GONE'
  /** The client took nothing of its stream for too long. */
  | 'ERR_GATEWAY_CLIENT_STALLED'
  /** No answer can be resumed by this id and key: unknown, too old, made with another key, or not streamed. */
  | 'ERR_GATEWAY_ANSWER_UNKNOWN'
  /** Somebody with the same id and key resumed the answer at another connection. */
  | 'ERR_GATEWAY_ANSWER_TAKEN_OVER'
  /** No block or record of that name is known here. */
  | 'ERR_GATEWAY_CHAIN_UNKNOWN'
  | 'ERR_GATEWAY_CHAIN_MISSING'
  /** As many clients as allowed watch the chain here. */
  | 'ERR_GATEWAY_TOO_MANY_WATCHERS'
  /** Nobody can sign in here; the sentence says why: `--auth off`, plain http, or no origin configured. */
  | 'ERR_GATEWAY_SIGN_IN_UNAVAILABLE'
  /** A page of another origin asked for what only the gateway's own page may do. */
  | 'ERR_GATEWAY_ORIGIN_REFUSED'
  /** Wallets on this chain are not taken; the sentence lists those that are. */
  | 'ERR_GATEWAY_CHAIN_ID'
  /** The text is no message of EIP-4361. */
  | 'ERR_GATEWAY_SIWE_MESSAGE'
  /** The challenge was used, is too old, was never given, or was given to another browser. */
  | 'ERR_GATEWAY_SIWE_NONCE'
  /** What was signed is not the challenge that was given; `param` names the field. */
  | 'ERR_GATEWAY_SIWE_MISMATCH'
  | 'ERR_GATEWAY_SIWE_SIGNATURE'
  /** The Ethereum node that contract wallets are checked with does not answer, or is of another chain. */
  | 'ERR_GATEWAY_RPC'
  /** There is no session here: sign in, or send an API key. */
  | 'ERR_GATEWAY_UNAUTHENTICATED'
  /** An API key that is revoked, has expired, or was never given. */
  | 'ERR_GATEWAY_KEY_UNKNOWN'
  /** A code of a program that asks for a key: never given, used, refused or too old. */
  | 'ERR_GATEWAY_DEVICE_CODE'
  /** The API key lacks the scope that this needs. */
  | 'ERR_GATEWAY_SCOPE'
  | 'ERR_GATEWAY_TOO_MANY_KEYS'
  /** Too many requests or tokens in a minute; `retry-after` says when there is room again. */
  | 'ERR_GATEWAY_RATE_LIMITED'
  /** As many answers of the account as allowed are under way. */
  | 'ERR_GATEWAY_TOO_MANY_STREAMS'
  /** The account's requests of a day are used up. */
  | 'ERR_GATEWAY_QUOTA'
  /** The account has less credit than the answer may cost. */
  | 'ERR_GATEWAY_CREDIT'
  /** The quote is too old, or of another account, model or gateway. */
  | 'ERR_GATEWAY_QUOTE_UNKNOWN'
  /** The answer may have more tokens than its quote is for. */
  | 'ERR_GATEWAY_QUOTE_EXCEEDED'
  /** What is asked for is only for programs on the gateway's machine. */
  | 'ERR_GATEWAY_NOT_LOCAL'
  | 'ERR_GATEWAY_LEDGER_MISSING'
  /** A line of the table of prices is none. */
  | 'ERR_GATEWAY_PRICES'
  /** The gateway keeps as many keys as it may. */
  | 'ERR_GATEWAY_AUTH_FULL'
  /** The Redis that keeps sessions and keys cannot be used now; the gateway's log says why. */
  | 'ERR_GATEWAY_AUTH_STORE'
  | 'ERR_GATEWAY_STOPPING'
  | 'ERR_GATEWAY_ANSWER_INCOMPLETE';

/**
 * What the gateway itself refuses or fails at; `http-errors.ts` gives each code its status. `meta.param` is the dotted
 * path of the field at fault, `meta.allow` the methods a path has.
 */
export class GatewayError extends AppError<GatewayErrorCode> {}
