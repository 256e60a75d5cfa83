import type { CreatedKey } from '@blyan/api';
import { useEffect, useRef } from 'react';
import { useText } from '../../language/index.ts';
import { CopyButton } from './copy-button.tsx';
import { accountText } from './text.ts';

interface NewKeyProps {
  readonly made: CreatedKey;
  readonly onStored: () => void;
}

/** The one time that a key is shown, with what a program needs besides. */
export function NewKey({ made, onStored }: NewKeyProps) {
  const t = useText(accountText);
  const box = useRef<HTMLDivElement>(null);
  const { id, name, key } = made;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another key takes the focus again
  useEffect(() => box.current?.focus(), [id]);
  return (
    <div className="new-key" ref={box} tabIndex={-1}>
      <p>{t.shownOnce(name)}</p>
      <p className="new-key-secret">
        <code data-testid="new-key">{key}</code>
        <CopyButton text={key} what={t.theKey} />
      </p>
      <p className="note">{t.howToUse}</p>
      <pre>
        <code>{`OPENAI_BASE_URL=${location.origin}/v1\nOPENAI_API_KEY=${key.slice(0, 11)}…`}</code>
      </pre>
      <button type="button" className="quiet" onClick={onStored}>
        {t.stored}
      </button>
    </div>
  );
}
