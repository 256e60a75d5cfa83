const STORE_KEY = 'blyan.network';

/** Id of the only network that this browser believes; null while its owner has compared none. */
export function trustedNetwork(): string | null {
  try {
    const kept = localStorage.getItem(STORE_KEY);
    return kept !== null && /^[0-9a-f]{64}$/.test(kept) ? kept : null;
  } catch {
    return null;
  }
}

/** @returns whether the browser keeps it */
export function trustNetwork(network: string | null): boolean {
  try {
    if (network === null) localStorage.removeItem(STORE_KEY);
    else localStorage.setItem(STORE_KEY, network);
    return true;
  } catch {
    return false;
  }
}
