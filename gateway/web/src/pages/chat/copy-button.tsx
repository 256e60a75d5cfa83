import { type RefObject, useState } from 'react';
import { useText } from '../../language/index.ts';
import { chatText } from './text.ts';

interface CopyButtonProps {
  readonly text: string;
  /** Where the text stands: selected when the browser gives the page no clipboard, as on plain http. */
  readonly source: RefObject<HTMLElement | null>;
}

export function CopyButton({ text, source }: CopyButtonProps) {
  const t = useText(chatText);
  const [outcome, setOutcome] = useState<'copied' | 'selected' | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('copied');
    } catch {
      if (source.current !== null) getSelection()?.selectAllChildren(source.current);
      setOutcome('selected');
    }
  };
  return (
    <button
      type="button"
      className="act"
      data-testid="copy"
      onClick={() => void copy()}
      onBlur={() => setOutcome(null)}
    >
      <span aria-live="polite">{outcome === null ? t.copy : t[outcome]}</span>
    </button>
  );
}
