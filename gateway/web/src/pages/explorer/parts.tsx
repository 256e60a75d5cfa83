import { ApiClientError } from '@blyan/api';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useText } from '../../language/index.ts';
import { shortHash } from './short-hash.ts';
import { explorerText } from './text.ts';

interface HashProps {
  readonly hash: string;
  /** Where it leads; it is only shown without. */
  readonly href?: string;
  readonly isShort?: boolean;
}

/** A hash, key or address: whole, or its ends with the whole in its title. */
export function Hash({ hash, href, isShort = false }: HashProps) {
  const shown = isShort ? <code title={hash}>{shortHash(hash)}</code> : <code className="hash">{hash}</code>;
  return href === undefined ? shown : <Link href={href}>{shown}</Link>;
}

/** Names and values; a value that is null is left out with its name. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="fields">
      {facts
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** What the gateway did not tell, and why, in words. */
export function Problem({ error }: { readonly error: Error }) {
  const t = useText(explorerText);
  const { title, sentence } = problemOf(error, t);
  return (
    <div className="empty" role="status" data-testid="problem">
      {title !== null && <h2>{title}</h2>}
      <p>{sentence}</p>
    </div>
  );
}

export function problemOf(
  error: Error,
  t: (typeof explorerText)['en'],
): { readonly title: string | null; readonly sentence: string } {
  if (!(error instanceof ApiClientError)) return { title: null, sentence: t.failed(error.message) };
  const { serverCode, status } = error.meta;
  if (serverCode === 'ERR_GATEWAY_CHAIN_MISSING') return { title: t.chainMissingTitle, sentence: t.chainMissing };
  if (String(serverCode).endsWith('_PRUNED')) return { title: null, sentence: t.prunedBlock };
  if (status === 404) return { title: t.unknownTitle, sentence: t.unknown };
  if (error.code === 'ERR_API_REFUSED') return { title: null, sentence: t.failed(String(serverCode ?? status)) };
  return { title: null, sentence: t.offline };
}
