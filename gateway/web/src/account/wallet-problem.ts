/** What a wallet does instead of signing in. */
export type WalletProblemCode =
  | 'connect_rejected'
  | 'sign_rejected'
  | 'switch_rejected'
  /** It waits for an answer to an earlier request. */
  | 'pending'
  /** It has no account for this page. */
  | 'locked'
  /** It has lost its chain, or the page has lost it. */
  | 'disconnected'
  | 'wrong_chain'
  /** It does not know the chain it should switch to. */
  | 'chain_unknown'
  | 'cannot_switch'
  | 'cannot_sign'
  | 'wallet_failed';

export class WalletProblem extends Error {
  readonly code: WalletProblemCode;

  constructor(code: WalletProblemCode, cause?: unknown) {
    super(code, { cause });
    this.code = code;
  }
}

/** Codes of EIP-1193, EIP-3326 and JSON-RPC that mean the same whatever was asked. */
const BY_CODE: Readonly<Record<number, WalletProblemCode>> = {
  4100: 'locked',
  4900: 'disconnected',
  4901: 'disconnected',
  4902: 'chain_unknown',
  [-32_002]: 'pending',
};
const REJECTED: Readonly<Record<string, WalletProblemCode>> = {
  eth_requestAccounts: 'connect_rejected',
  personal_sign: 'sign_rejected',
  wallet_switchEthereumChain: 'switch_rejected',
};
const UNSUPPORTED: Readonly<Record<string, WalletProblemCode>> = {
  personal_sign: 'cannot_sign',
  wallet_switchEthereumChain: 'cannot_switch',
};

/** The problem that a refusal of `method` is. Wallets wrap what their node said: then the code is one level down. */
export function walletProblem(method: string, cause: unknown): WalletProblem {
  return new WalletProblem(problemCode(method, codesOf(cause)), cause);
}

function problemCode(method: string, codes: readonly number[]): WalletProblemCode {
  for (const code of codes) {
    if (code === 4001) return REJECTED[method] ?? 'wallet_failed';
    if (code === 4200 || code === -32_601) return UNSUPPORTED[method] ?? 'wallet_failed';
    const known = BY_CODE[code];
    if (known !== undefined) return known;
  }
  return 'wallet_failed';
}

function codesOf(cause: unknown): readonly number[] {
  const { code, data } = (cause ?? {}) as { readonly code?: unknown; readonly data?: unknown };
  const inner = (data as { readonly originalError?: { readonly code?: unknown } } | undefined)?.originalError?.code;
  return [inner, code].filter((one) => typeof one === 'number');
}
