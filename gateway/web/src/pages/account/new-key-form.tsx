import type { WantedKey } from '@blyan/api';
import { type SubmitEvent, useId, useState } from 'react';
import { useText } from '../../language/index.ts';
import { accountText } from './text.ts';

const SCOPES = ['inference', 'account'] as const;
const LIVES = [null, 7, 30, 90, 365] as const;

interface NewKeyFormProps {
  readonly isBusy: boolean;
  readonly onMake: (wanted: WantedKey) => void;
}

export function NewKeyForm({ isBusy, onMake }: NewKeyFormProps) {
  const t = useText(accountText);
  const id = useId();
  const [isScopeless, setScopeless] = useState(false);
  const onSubmit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const scopes = SCOPES.filter((scope) => form.has(scope));
    setScopeless(scopes.length === 0);
    if (scopes.length === 0) return;
    const days = Number(form.get('life'));
    onMake({ name: String(form.get('name')).trim(), scopes, expiresInDays: days === 0 ? null : days });
    event.currentTarget.reset();
  };
  return (
    <form className="new-key-form" onSubmit={onSubmit}>
      <label>
        {t.keyName}
        <input name="name" maxLength={64} required pattern=".*\S.*" placeholder={t.keyNameExample} autoComplete="off" />
      </label>
      <label>
        {t.keyLife}
        <select name="life" defaultValue="0">
          {LIVES.map((days) => (
            <option key={days} value={days ?? 0}>
              {days === null ? t.untilRevoked : t.days(days)}
            </option>
          ))}
        </select>
      </label>
      <fieldset aria-describedby={isScopeless ? id : undefined}>
        <legend>{t.rights}</legend>
        {SCOPES.map((scope) => (
          <label key={scope} className="check">
            <input type="checkbox" name={scope} defaultChecked={scope === 'inference'} /> <b>{t[scope]}</b>
            <span className="note">{t[`${scope}About`]}</span>
          </label>
        ))}
        {isScopeless && (
          <p id={id} role="alert" className="note bad">
            {t.scopeless}
          </p>
        )}
      </fieldset>
      <button type="submit" className="main" disabled={isBusy}>
        {t.makeKey}
      </button>
    </form>
  );
}
