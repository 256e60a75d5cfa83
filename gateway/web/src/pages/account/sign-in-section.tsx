import type { SessionAnswer } from '@blyan/api';
import { useEffect, useRef } from 'react';
import { useAccount } from '../../account/account-context.tsx';
import type { Wallet } from '../../account/wallets.ts';
import { useText } from '../../language/index.ts';
import { Section } from './section.tsx';
import { accountText } from './text.ts';

/** As their own people write them, in every language. */
const CHAIN_NAMES: Readonly<Record<number, string>> = {
  1: 'Ethereum',
  10: 'OP Mainnet',
  137: 'Polygon',
  8453: 'Base',
  42161: 'Arbitrum One',
  11155111: 'Sepolia',
};

/** For whoever is not signed in: with which wallet they may, or why nobody can. */
export function SignInSection({ session }: { readonly session: SessionAnswer }) {
  const t = useText(accountText);
  const { signingIn } = useAccount();
  const [origin] = session.origins;
  return (
    <Section title={t.signIn} about={t.signInAbout}>
      {session.signInRefusalReason !== null ? (
        <p>{t[session.signInRefusalReason]}</p>
      ) : origin !== undefined && !session.origins.includes(location.origin) ? (
        <p>
          {t.elsewhere} <a href={`${origin}/account`}>{origin}</a>
        </p>
      ) : signingIn !== null ? (
        <Waiting />
      ) : (
        <>
          <p>{session.auth === 'required' ? t.signInRequired : t.signInOptional}</p>
          <Wallets chainId={session.chainIds[0] ?? 1} />
        </>
      )}
    </Section>
  );
}

/** @param chainId that a wallet on another chain is asked to switch to */
function Wallets({ chainId }: { readonly chainId: number }) {
  const t = useText(accountText);
  const { wallets, onWrongChain, signIn } = useAccount();
  if (wallets.length === 0) return <p className="note">{t.noWallet}</p>;
  return (
    <>
      {wallets.length > 1 && <p className="note">{t.severalWallets}</p>}
      <ul className="wallets">
        {wallets.map((wallet) => (
          <li key={wallet.id}>
            {onWrongChain?.id === wallet.id ? (
              <button type="button" className="main" onClick={() => signIn(wallet, true)}>
                {t.switchAndSignIn(nameOf(wallet, t.wallet), CHAIN_NAMES[chainId] ?? `EIP-155 ${chainId}`)}
              </button>
            ) : (
              <button type="button" className="main" onClick={() => signIn(wallet, false)}>
                {t.signInWith(nameOf(wallet, t.wallet))}
              </button>
            )}
            {isNamesake(wallet, wallets) && <span className="note">{wallet.rdns}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

function Waiting() {
  const t = useText(accountText);
  const { signingIn, cancelSignIn } = useAccount();
  const cancel = useRef<HTMLButtonElement>(null);
  useEffect(() => cancel.current?.focus(), []);
  if (signingIn === null) return null;
  const name = nameOf(signingIn.wallet, t.wallet);
  return (
    <>
      <p role="status" data-testid="waiting">
        {t[signingIn.step](name)}
      </p>
      <button type="button" className="quiet" ref={cancel} onClick={cancelSignIn}>
        {t.cancel}
      </button>
    </>
  );
}

function nameOf({ name }: Wallet, unnamed: string): string {
  return name === '' ? unnamed : name;
}

function isNamesake(wallet: Wallet, all: readonly Wallet[]): boolean {
  return wallet.rdns !== '' && all.some(({ id, name }) => id !== wallet.id && name === wallet.name);
}
