import { type FormEvent, useEffect, useRef } from 'react';
import type { Account } from './use-account.ts';

interface AccountDialogProps {
  readonly account: Account;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** Signing in and out, and the API keys of whoever is signed in. */
export function AccountDialog({ account, isOpen, onClose }: AccountDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  const { session, problem } = account;
  return (
    <dialog ref={dialog} className="account" aria-labelledby="account-title" data-testid="account" onClose={onClose}>
      <div className="panel-head">
        <h2 id="account-title">Account</h2>
        <button type="button" className="quiet" onClick={onClose}>
          Close
        </button>
      </div>
      {problem && (
        <p className="note bad" role="alert">
          {problem}
        </p>
      )}
      {session?.address ? <Person account={account} address={session.address} /> : <Guest account={account} />}
    </dialog>
  );
}

function Guest({ account: { session, wallets, isBusy, signIn } }: { readonly account: Account }) {
  if (session === null) return <p className="note">The gateway has not answered yet.</p>;
  if (session.signInRefusal !== null) return <p className="note">{session.signInRefusal}</p>;
  return (
    <section>
      <p>
        Sign a message with an Ethereum wallet to get API keys. It costs nothing and sends no transaction.{' '}
        {session.auth === 'required' ? 'This gateway answers only to those who do.' : 'You may chat without it.'}
      </p>
      {wallets.length === 0 && <p className="note">This browser has no wallet. MetaMask is one.</p>}
      {wallets.map((wallet) => (
        <button type="button" className="quiet" key={wallet.id} disabled={isBusy} onClick={() => signIn(wallet)}>
          Sign in with {wallet.name}
        </button>
      ))}
    </section>
  );
}

function Person({ account, address }: { readonly account: Account; readonly address: string }) {
  const { keys, newKey, isBusy, makeKey, revokeKey, signOut } = account;
  const onMake = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get('name');
    if (typeof name === 'string' && name.trim() !== '') makeKey(name);
    event.currentTarget.reset();
  };
  return (
    <>
      <section>
        <p className="address" data-testid="address">
          {address}
        </p>
        <button type="button" className="quiet" disabled={isBusy} onClick={signOut}>
          Sign out
        </button>
      </section>
      <section>
        <h3>API keys</h3>
        {newKey && (
          <p className="note">
            This is the only time that the key is shown: <code data-testid="new-key">{newKey.key}</code>
          </p>
        )}
        <ul>
          {keys.map(({ id, name, hint, lastUsedAt }) => (
            <li key={id} className="api-key" data-testid="api-key">
              <span>
                {name} <code>bly_sk_…{hint}</code>
              </span>
              <span className="note">
                {lastUsedAt ? `used ${new Date(lastUsedAt).toLocaleString()}` : 'never used'}
              </span>
              <button
                type="button"
                className="quiet"
                disabled={isBusy}
                aria-label={`Revoke ${name}`}
                onClick={() => revokeKey(id)}
              >
                Revoke
              </button>
            </li>
          ))}
        </ul>
        <form className="new-key" onSubmit={onMake}>
          <input
            name="name"
            className="quiet"
            aria-label="Name of a new key"
            placeholder="Name"
            maxLength={64}
            required
          />
          <button type="submit" className="quiet" disabled={isBusy}>
            Make a key
          </button>
        </form>
      </section>
    </>
  );
}

/** `0xf39f…2266`. */
export function shortAddress(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}
