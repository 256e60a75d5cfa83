import { useState } from 'react';
import { useText } from '../../language/index.ts';
import { accountText } from './text.ts';

/** @param what names the text for whoever cannot see what stands beside the button */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const t = useText(accountText);
  const [outcome, setOutcome] = useState<'copied' | 'notCopied' | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('copied');
    } catch {
      setOutcome('notCopied');
    }
  };
  return (
    <span className="copy">
      <button type="button" className="quiet" aria-label={t.copyWhat(what)} onClick={() => void copy()}>
        {t.copy}
      </button>
      <span role="status" className="note">
        {outcome && t[outcome]}
      </span>
    </span>
  );
}
