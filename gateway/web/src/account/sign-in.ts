import { ApiClientError, type SessionAnswer } from '@blyan/api';
import { client } from '../client.ts';
import type { WalletProvider } from './wallets.ts';

/** Of EIP-1193, and of wallets that are asked twice. */
const REJECTED = 4001;
const UNAUTHORIZED = 4100;
const CHAIN_UNKNOWN = 4902;
const ALREADY_ASKED = -32_002;

/** Signs in with the wallet's account. @throws Error with a sentence for the person */
export async function signInWith(provider: WalletProvider, { chainIds }: SessionAnswer): Promise<void> {
  const address = firstAccount(await ask(provider, 'eth_requestAccounts'));
  const chainId = await allowedChain(provider, chainIds);
  const { message } = await client.auth.challenge(address, chainId);
  const signature = await ask(provider, 'personal_sign', [hexOf(message), address]);
  if (typeof signature !== 'string') throw new Error('The wallet gave no signature.');
  await client.auth.verify(message, signature);
}

/** What to tell a person of anything that was thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ApiClientError || error instanceof Error) return error.message;
  return 'That did not work; try again.';
}

async function allowedChain(provider: WalletProvider, chainIds: readonly number[]): Promise<number> {
  const current = Number(await ask(provider, 'eth_chainId'));
  if (chainIds.includes(current)) return current;
  const [wanted = 1] = chainIds;
  await ask(provider, 'wallet_switchEthereumChain', [{ chainId: `0x${wanted.toString(16)}` }]);
  return wanted;
}

function firstAccount(accounts: unknown): string {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first === 'string') return first;
  throw new Error('The wallet has no account: unlock it, and choose one for this page.');
}

async function ask(provider: WalletProvider, method: string, params?: readonly unknown[]): Promise<unknown> {
  try {
    return await provider.request({ method, ...(params && { params }) });
  } catch (error) {
    throw new Error(refusalOf((error as { readonly code?: unknown } | null)?.code, method), { cause: error });
  }
}

function refusalOf(code: unknown, method: string): string {
  if (code === REJECTED) {
    if (method === 'personal_sign') return 'You did not sign, so you are not signed in.';
    return method === 'eth_requestAccounts'
      ? 'You did not connect the wallet.'
      : 'The wallet stays on a chain that this gateway does not take.';
  }
  if (code === ALREADY_ASKED) return 'The wallet waits for you already: open it, and answer there.';
  if (code === CHAIN_UNKNOWN)
    return 'The wallet does not know the chain that this gateway takes: choose Ethereum in it.';
  if (code === UNAUTHORIZED) return 'The wallet is locked, or does not let this page use the account.';
  return 'The wallet refused: unlock it and try again.';
}

function hexOf(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
