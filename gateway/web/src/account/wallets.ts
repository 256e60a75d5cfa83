/** What a wallet in the browser offers (EIP-1193). */
export interface WalletProvider {
  request(call: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
  on?(event: 'accountsChanged', listener: (accounts: readonly string[]) => void): void;
  removeListener?(event: 'accountsChanged', listener: (accounts: readonly string[]) => void): void;
}

export interface Wallet {
  readonly id: string;
  readonly name: string;
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
    if (wallet === null || found.size >= MAX_WALLETS) return;
    found.set(wallet.id, wallet);
    tell();
  };
  window.addEventListener('eip6963:announceProvider', onAnnounce);
  window.dispatchEvent(new Event('eip6963:requestProvider'));
  tell();
  return () => window.removeEventListener('eip6963:announceProvider', onAnnounce);
}

function announced(detail: unknown): Wallet | null {
  const { info, provider } = (detail ?? {}) as {
    readonly info?: { readonly uuid?: unknown; readonly name?: unknown };
    readonly provider?: WalletProvider;
  };
  if (typeof info?.uuid !== 'string' || typeof info.name !== 'string') return null;
  if (typeof provider?.request !== 'function') return null;
  return { id: info.uuid, name: info.name.slice(0, MAX_NAME), provider };
}

function legacyWallet(): Wallet[] {
  const { ethereum } = window as { readonly ethereum?: WalletProvider };
  return typeof ethereum?.request === 'function' ? [{ id: 'ethereum', name: 'Wallet', provider: ethereum }] : [];
}
