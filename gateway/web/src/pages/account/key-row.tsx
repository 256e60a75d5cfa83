import type { KeyList } from '@blyan/api';
import { useState } from 'react';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { accountText } from './text.ts';

interface KeyRowProps {
  readonly listed: KeyList['data'][number];
  readonly isBusy: boolean;
  readonly onRevoke: () => void;
}

/** A key as it is listed. Revoking is asked for twice: programs that use the key stop working. */
export function KeyRow({ listed, isBusy, onRevoke }: KeyRowProps) {
  const t = useText(accountText);
  const figures = useFigures();
  const [isAsked, setAsked] = useState(false);
  const { name, hint, scopes, createdAt, lastUsedAt, expiresAt } = listed;
  const facts = [
    scopes.map((scope) => t[scope]).join(', '),
    t.madeAt(figures.day(Date.parse(createdAt))),
    lastUsedAt === null ? t.neverUsed : t.lastUsedAt(figures.minute(Date.parse(lastUsedAt))),
    expiresAt === null ? t.neverExpires : t.expiresAt(figures.day(Date.parse(expiresAt))),
  ];
  return (
    <li className="row" data-testid="api-key">
      <div>
        <p className="row-name">
          {name} <code>bly_sk_…{hint}</code>
        </p>
        <p className="note">{facts.join(' · ')}</p>
      </div>
      {isAsked ? (
        <fieldset className="row-sure">
          <legend className="note">{t.revokeSure}</legend>
          <button type="button" className="quiet danger" disabled={isBusy} onClick={onRevoke}>
            {t.revokeYes}
          </button>
          {/* biome-ignore lint/a11y/noAutofocus: the button that was pressed has gone; the harmless answer takes its place */}
          <button type="button" className="quiet" autoFocus onClick={() => setAsked(false)}>
            {t.revokeNo}
          </button>
        </fieldset>
      ) : (
        <button
          type="button"
          className="quiet"
          disabled={isBusy}
          aria-label={t.revokeWhich(name)}
          onClick={() => setAsked(true)}
        >
          {t.revoke}
        </button>
      )}
    </li>
  );
}
