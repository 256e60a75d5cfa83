import { ApiClientError } from '@blyan/api';
import type { ProblemCode } from './text.ts';
import { WalletProblem } from './wallet-problem.ts';

/** Something that did not work, to be told in the reader's language. */
export interface Problem {
  readonly code: ProblemCode;
  /** What the gateway said in English, where there is no text for its code. */
  readonly detail: string | null;
}

const BY_SERVER_CODE: Readonly<Record<string, ProblemCode>> = {
  ERR_GATEWAY_SIWE_NONCE: 'nonce',
  ERR_GATEWAY_SIWE_SIGNATURE: 'signature',
  ERR_GATEWAY_SIWE_MISMATCH: 'mismatch',
  ERR_GATEWAY_SIWE_MESSAGE: 'mismatch',
  ERR_GATEWAY_CHAIN_ID: 'wrong_chain',
  ERR_GATEWAY_RATE_LIMITED: 'rate_limited',
  ERR_GATEWAY_ORIGIN_REFUSED: 'other_origin',
  ERR_GATEWAY_RPC: 'rpc',
  ERR_GATEWAY_UNAUTHENTICATED: 'signed_out',
  ERR_GATEWAY_TOO_MANY_KEYS: 'too_many_keys',
  ERR_GATEWAY_AUTH_FULL: 'full',
  ERR_GATEWAY_DEVICE_CODE: 'device_code',
  ERR_GATEWAY_LEDGER_MISSING: 'no_ledger',
  ERR_GATEWAY_STOPPING: 'stopping',
};

/** @param takesContractWallets whether a signature that is of no key may be of a contract */
export function problemOf(error: unknown, takesContractWallets = true): Problem {
  if (error instanceof WalletProblem) return { code: error.code, detail: null };
  if (!(error instanceof ApiClientError)) return { code: 'other', detail: null };
  if (error.code === 'ERR_API_UNREACHABLE') return { code: 'unreachable', detail: null };
  const code = BY_SERVER_CODE[String(error.meta.serverCode)];
  if (code === undefined) return { code: 'other', detail: error.message };
  return { code: code === 'signature' && !takesContractWallets ? 'signature_or_contract' : code, detail: null };
}

/** Whether the gateway says that there is no session any more. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiClientError && error.meta.serverCode === 'ERR_GATEWAY_UNAUTHENTICATED';
}
