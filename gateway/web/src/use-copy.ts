import { useState } from 'react';

export interface Copying {
  /** Of the last try; `refused` when the browser gives the page no clipboard, as on plain http. */
  readonly outcome: 'copied' | 'refused' | null;
  copy(): void;
  forget(): void;
}

/** Puts a text into the clipboard. */
export function useCopy(text: string, onRefused?: () => void): Copying {
  const [outcome, setOutcome] = useState<Copying['outcome']>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('copied');
    } catch {
      onRefused?.();
      setOutcome('refused');
    }
  };
  return { outcome, copy: () => void copy(), forget: () => setOutcome(null) };
}
