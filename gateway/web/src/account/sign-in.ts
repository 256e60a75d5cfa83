import type { SessionAnswer } from '@blyan/api';
import { client } from '../client.ts';
import { WalletProblem, walletProblem } from './wallet-problem.ts';
import type { WalletProvider } from './wallets.ts';

/** What is waited for: the person at the wallet, three times at most, then the gateway. */
export type SignInStep = 'connect' | 'switch' | 'sign' | 'verify';

export interface SignInOptions {
  /** Whether a wallet on a chain that the gateway does not take is asked to switch. */
  readonly switchesChain: boolean;
  readonly onStep: (step: SignInStep) => void;
  /** Ends the waiting. What the wallet signs afterwards is not used. */
  readonly signal: AbortSignal;
}

/**
 * Signs in with the account that the wallet offers.
 * @throws WalletProblem, ApiClientError, or the signal's reason
 */
export async function signInWith(
  provider: WalletProvider,
  { chainIds }: SessionAnswer,
  { switchesChain, onStep, signal }: SignInOptions,
): Promise<void> {
  const ask = (method: string, params?: readonly unknown[]) => answerOf(provider, signal, method, params);
  onStep('connect');
  const address = firstAccount(await ask('eth_requestAccounts'));
  let chainId = Number(await ask('eth_chainId'));
  if (!chainIds.includes(chainId) && switchesChain) {
    onStep('switch');
    await ask('wallet_switchEthereumChain', [{ chainId: `0x${(chainIds[0] ?? 1).toString(16)}` }]);
    chainId = Number(await ask('eth_chainId'));
  }
  if (!chainIds.includes(chainId)) throw new WalletProblem('wrong_chain');
  onStep('sign');
  const { message } = await client.auth.challenge(address, chainId, signal);
  const signature = await ask('personal_sign', [hexOf(message), address]);
  if (typeof signature !== 'string') throw new WalletProblem('wallet_failed');
  onStep('verify');
  await client.auth.verify(message, signature, signal);
}

async function answerOf(
  provider: WalletProvider,
  signal: AbortSignal,
  method: string,
  params?: readonly unknown[],
): Promise<unknown> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([provider.request({ method, ...(params && { params }) }), aborted.promise]);
  } catch (error) {
    signal.throwIfAborted();
    throw walletProblem(method, error);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Wallets that are locked, or share nothing with this page, answer with none. */
function firstAccount(accounts: unknown): string {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first !== 'string') throw new WalletProblem('locked');
  return first;
}

function hexOf(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
