import type { SessionAnswer } from '@blyan/api';
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react';
import { client } from '../client.ts';
import type { NoticeCode } from './notice-text.ts';
import { type Problem, problemOf } from './problem.ts';
import { type SignInStep, signInWith } from './sign-in.ts';
import { type Wallet, walletOf, watchWallets } from './wallets.ts';
import { tellOtherTabs, watchSession } from './watch-session.ts';

export interface Account {
  /** Null until the gateway has said. */
  readonly session: SessionAnswer | null;
  readonly wallets: readonly Wallet[];
  /** The wallet that is being signed in with, and what is waited for. */
  readonly signingIn: { readonly wallet: Wallet; readonly step: SignInStep } | null;
  readonly problem: Problem | null;
  /** The wallet that is on a chain which the gateway does not take: it may be asked to switch. */
  readonly onWrongChain: Wallet | null;
  readonly notice: NoticeCode | null;
  signIn(wallet: Wallet, switchesChain: boolean): void;
  cancelSignIn(): void;
  signOut(): void;
  /** Forgets the problem and the notice, which have been read. */
  dismiss(): void;
  /** Asks the gateway again who is signed in. */
  refresh(): void;
}

const Context = createContext<Account | null>(null);

/** Who is signed in at this gateway, for all parts of the page. */
export function AccountProvider({ children }: { readonly children: ReactNode }) {
  return <Context value={useAccountState()}>{children}</Context>;
}

export function useAccount(): Account {
  const account = useContext(Context);
  if (account === null) throw new Error('There is no AccountProvider above');
  return account;
}

type Trouble = Pick<Account, 'problem' | 'onWrongChain' | 'notice'>;
const NO_TROUBLE: Trouble = { problem: null, onWrongChain: null, notice: null };

function useAccountState(): Account {
  const [session, setSession] = useState<SessionAnswer | null>(null);
  const [wallets, setWallets] = useState<readonly Wallet[]>([]);
  const [signingIn, setSigningIn] = useState<Account['signingIn']>(null);
  const [trouble, setTrouble] = useState(NO_TROUBLE);
  const [used, setUsed] = useState<Wallet | null>(null);
  const cancel = useRef<AbortController | null>(null);
  const last = useRef<SessionAnswer | null>(null);
  const address = session?.address ?? null;

  const [actions] = useState(() => {
    const know = (now: SessionAnswer) => {
      last.current = now;
      setSession(now);
    };
    // Answers may overtake each other: only the one that was asked for last counts.
    let turns = 0;
    const look = async () => {
      turns += 1;
      const turn = turns;
      const now = await client.auth.session();
      if (turn !== turns) return;
      if (last.current?.address != null && now.address === null) setTrouble({ ...NO_TROUBLE, notice: 'ended' });
      know(now);
    };
    const refresh = () => void look().catch(() => undefined);

    const signIn = async (wallet: Wallet, switchesChain: boolean) => {
      const known = last.current;
      if (known === null || cancel.current !== null) return;
      const controller = new AbortController();
      cancel.current = controller;
      const onStep = (step: SignInStep) => setSigningIn({ wallet, step });
      setTrouble(NO_TROUBLE);
      try {
        await signInWith(wallet.provider, known, { switchesChain, onStep, signal: controller.signal });
        await look();
        setUsed(wallet);
        setTrouble({ ...NO_TROUBLE, notice: 'signed_in' });
        tellOtherTabs();
      } catch (error) {
        const problem = controller.signal.aborted ? null : problemOf(error, known.takesContractWallets);
        const onWrongChain = problem?.code === 'wrong_chain' ? wallet : null;
        setTrouble({ problem, onWrongChain, notice: problem === null ? 'cancelled' : null });
      } finally {
        cancel.current = null;
        setSigningIn(null);
      }
    };

    const signOut = async (notice: NoticeCode) => {
      try {
        await client.auth.logout();
        turns += 1;
        if (last.current !== null) know({ ...last.current, kind: 'guest', address: null, expiresAt: null });
        setUsed(null);
        setTrouble({ ...NO_TROUBLE, notice });
        tellOtherTabs();
      } catch (error) {
        setTrouble({ ...NO_TROUBLE, problem: problemOf(error) });
      }
    };
    const dismiss = () => setTrouble(NO_TROUBLE);
    return { refresh, signIn, signOut, dismiss };
  });

  useEffect(() => watchWallets(setWallets), []);
  useEffect(() => watchSession(actions.refresh), [actions]);

  // A page that was opened again has to find out which wallet the account is in.
  useEffect(() => {
    if (address === null || used !== null) return;
    let isWanted = true;
    void walletOf(address, wallets).then((wallet) => isWanted && setUsed(wallet));
    return () => {
      isWanted = false;
    };
  }, [address, used, wallets]);

  // What this page shows is of one account: it ends when the wallet goes on with another, or with none.
  useEffect(() => {
    if (used === null || address === null) return;
    const { provider } = used;
    const onAccounts = (news: unknown) => {
      const chosen: unknown = Array.isArray(news) ? news[0] : undefined;
      if (String(chosen).toLowerCase() === address) return;
      void actions.signOut(chosen === undefined ? 'wallet_closed' : 'account_switched');
    };
    const onDisconnect = () => setTrouble({ ...NO_TROUBLE, notice: 'wallet_offline' });
    provider.on?.('accountsChanged', onAccounts);
    provider.on?.('disconnect', onDisconnect);
    return () => {
      provider.removeListener?.('accountsChanged', onAccounts);
      provider.removeListener?.('disconnect', onDisconnect);
    };
  }, [used, address, actions]);

  return {
    ...{ session, wallets, signingIn, ...trouble },
    signIn: (wallet, switchesChain) => void actions.signIn(wallet, switchesChain),
    cancelSignIn: () => cancel.current?.abort(),
    signOut: () => void actions.signOut('signed_out'),
    dismiss: actions.dismiss,
    refresh: actions.refresh,
  };
}
