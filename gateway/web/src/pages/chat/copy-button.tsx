import type { RefObject } from 'react';
import { useText } from '../../language/index.ts';
import { useCopy } from '../../use-copy.ts';
import { chatText } from './text.ts';

interface CopyButtonProps {
  readonly text: string;
  /** Where the text stands: selected when the browser gives the page no clipboard, as on plain http. */
  readonly source: RefObject<HTMLElement | null>;
}

export function CopyButton({ text, source }: CopyButtonProps) {
  const t = useText(chatText);
  const { outcome, copy, forget } = useCopy(text, () => {
    if (source.current !== null) getSelection()?.selectAllChildren(source.current);
  });
  return (
    <button type="button" className="act" data-testid="copy" onClick={copy} onBlur={forget}>
      <span aria-live="polite">{outcome === null ? t.copy : outcome === 'copied' ? t.copied : t.selected}</span>
    </button>
  );
}
