import type { CreatedKey, KeyList, SessionAnswer } from '@blyan/api';
import { useCallback, useEffect, useState } from 'react';
import { client } from '../client.ts';
import { sentenceOf, signInWith } from './sign-in.ts';
import { type Wallet, type WalletProvider, watchWallets } from './wallets.ts';

export interface Account {
  /** Null until the gateway has said. */
  readonly session: SessionAnswer | null;
  readonly wallets: readonly Wallet[];
  readonly keys: KeyList['data'];
  /** The key made last, which cannot be shown again. */
  readonly newKey: CreatedKey | null;
  readonly problem: string | null;
  readonly isBusy: boolean;
  signIn(wallet: Wallet): void;
  signOut(): void;
  makeKey(name: string): void;
  revokeKey(id: string): void;
}

/** Who is signed in at this gateway, and that person's API keys. */
export function useAccount(): Account {
  const [session, setSession] = useState<SessionAnswer | null>(null);
  const [wallets, setWallets] = useState<readonly Wallet[]>([]);
  const [keys, setKeys] = useState<KeyList['data']>([]);
  const [newKey, setNewKey] = useState<CreatedKey | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [used, setUsed] = useState<WalletProvider | null>(null);
  const address = session?.address ?? null;

  const refresh = useCallback(async () => {
    const now = await client.auth.session();
    setKeys(now.address === null ? [] : (await client.auth.keys()).data);
    setSession(now);
  }, []);

  const act = useCallback(
    async (work: () => Promise<void>) => {
      setBusy(true);
      setProblem(null);
      try {
        await work();
        await refresh();
      } catch (error) {
        setProblem(sentenceOf(error));
      } finally {
        setBusy(false);
      }
    },
    [refresh],
  );

  useEffect(() => watchWallets(setWallets), []);
  useEffect(() => void refresh().catch(() => undefined), [refresh]);

  const signOut = useCallback(
    () =>
      act(async () => {
        await client.auth.logout();
        setNewKey(null);
        setUsed(null);
      }),
    [act],
  );

  // The person chose another account in the wallet: what this page shows would be somebody else's.
  useEffect(() => {
    if (used === null || address === null) return;
    const onChange = ([chosen]: readonly string[]) => {
      if (chosen?.toLowerCase() !== address) void signOut();
    };
    used.on?.('accountsChanged', onChange);
    return () => used.removeListener?.('accountsChanged', onChange);
  }, [used, address, signOut]);

  return {
    ...{ session, wallets, keys, newKey, problem, isBusy },
    signOut: () => void signOut(),
    signIn: ({ provider }) =>
      void act(async () => {
        if (session === null) return;
        await signInWith(provider, session);
        setUsed(provider);
      }),
    makeKey: (name) =>
      void act(async () =>
        setNewKey(await client.auth.createKey({ name, scopes: ['inference', 'account'], expiresInDays: null })),
      ),
    revokeKey: (id) =>
      void act(async () => {
        await client.auth.revokeKey(id);
        setNewKey((made) => (made?.id === id ? null : made));
      }),
  };
}
