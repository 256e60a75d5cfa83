/** What a wallet in the browser offers (EIP-1193). */
export interface WalletProvider {
  request(call: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
  on?(event: WalletEvent, listener: (news: unknown) => void): void;
  removeListener?(event: WalletEvent, listener: (news: unknown) => void): void;
}

export type WalletEvent = 'accountsChanged' | 'disconnect';

export interface Wallet {
  readonly id: string;
  /** As the wallet calls itself; empty for one that does not. */
  readonly name: string;
  /** Reverse domain name, which tells two wallets of one name apart; empty for one that has none. */
  readonly rdns: string;
  readonly provider: WalletProvider;
}

const MAX_WALLETS = 16;
const MAX_NAME = 40;

/**
 * Calls back with the wallets that announce themselves (EIP-6963) whenever there is one more; `window.ethereum`, where
 * wallets overwrite each other, counts only when none does.
 * @returns what ends it
 */
export function watchWallets(onChange: (wallets: readonly Wallet[]) => void): () => void {
  const found = new Map<string, Wallet>();
  const tell = () => onChange(found.size > 0 ? [...found.values()] : legacyWallet());
  const onAnnounce = (event: Event) => {
    const wallet = announced((event as CustomEvent<unknown>).detail);
    if (wallet === null || (found.size >= MAX_WALLETS && !found.has(wallet.id))) return;
    found.set(wallet.id, wallet);
    tell();
  };
  window.addEventListener('eip6963:announceProvider', onAnnounce);
  window.dispatchEvent(new Event('eip6963:requestProvider'));
  tell();
  return () => window.removeEventListener('eip6963:announceProvider', onAnnounce);
}

/**
 * The wallet that lets this page use the address, without asking the person; null when none says so.
 * @param address lower-case
 */
export async function walletOf(address: string, wallets: readonly Wallet[]): Promise<Wallet | null> {
  const known = await Promise.all(
    wallets.map(async ({ provider }) => {
      try {
        const accounts = await provider.request({ method: 'eth_accounts' });
        return Array.isArray(accounts) && accounts.some((one) => String(one).toLowerCase() === address);
      } catch {
        return false;
      }
    }),
  );
  return wallets.find((_wallet, at) => known[at]) ?? null;
}

function announced(detail: unknown): Wallet | null {
  const { info, provider } = (detail ?? {}) as {
    readonly info?: { readonly uuid?: unknown; readonly name?: unknown; readonly rdns?: unknown };
    readonly provider?: WalletProvider;
  };
  if (typeof info?.uuid !== 'string' || typeof info.name !== 'string') return null;
  if (typeof provider?.request !== 'function') return null;
  const rdns = typeof info.rdns === 'string' ? info.rdns.slice(0, MAX_NAME) : '';
  return { id: info.uuid, name: info.name.slice(0, MAX_NAME), rdns, provider };
}

function legacyWallet(): Wallet[] {
  const { ethereum } = window as { readonly ethereum?: WalletProvider };
  return typeof ethereum?.request === 'function' ? [{ id: 'ethereum', name: '', rdns: '', provider: ethereum }] : [];
}
