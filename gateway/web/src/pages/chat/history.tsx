import { useState } from 'react';
import { useLanguage, useText } from '../../language/index.ts';
import type { Chat, ChatState } from './chat.ts';
import { chatText } from './text.ts';

interface HistoryProps {
  readonly chat: Chat;
  readonly state: ChatState;
  /** A conversation was chosen, or a new one begun. */
  readonly onChoice?: () => void;
}

/** The conversations kept in this browser. */
export function History({ chat, state: { summaries, conversation, isKept }, onChoice }: HistoryProps) {
  const t = useText(chatText);
  const begin = () => {
    chat.begin();
    onChoice?.();
  };
  return (
    <div className="history">
      <button type="button" className="quiet" data-testid="new-conversation" onClick={begin}>
        {t.newOne}
      </button>
      {!isKept && <p className="note">{t.notKept}</p>}
      {isKept && summaries.length === 0 && <p className="note">{t.none}</p>}
      <ul>
        {summaries.map(({ id, title, updatedAt }) => (
          <li key={id} data-testid="conversation">
            <button
              type="button"
              className="entry"
              aria-current={id === conversation.id ? 'true' : undefined}
              onClick={() => {
                void chat.open(id);
                onChoice?.();
              }}
            >
              <span dir="auto">{title}</span>
              <Age atMs={updatedAt} />
            </button>
            <TwoClicks
              text="×"
              label={t.remove(title)}
              confirm={t.reallyRemove}
              onConfirm={() => void chat.delete(id)}
            />
          </li>
        ))}
      </ul>
      {summaries.length > 0 && (
        <TwoClicks text={t.removeAll} confirm={t.reallyRemoveAll} onConfirm={() => void chat.deleteAll()} />
      )}
    </div>
  );
}

interface TwoClicksProps {
  readonly text: string;
  readonly label?: string;
  readonly confirm: string;
  readonly onConfirm: () => void;
}

/** A button for what cannot be taken back: the first click asks, leaving it takes the question back. */
function TwoClicks({ text, label, confirm, onConfirm }: TwoClicksProps) {
  const [isAsking, setAsking] = useState(false);
  const onClick = () => {
    if (isAsking) onConfirm();
    setAsking(!isAsking);
  };
  return (
    <button
      type="button"
      className={`act remove ${isAsking ? 'asking' : ''}`}
      aria-label={isAsking ? undefined : label}
      onClick={onClick}
      onBlur={() => setAsking(false)}
    >
      {isAsking ? confirm : text}
    </button>
  );
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

function Age({ atMs }: { readonly atMs: number }) {
  const { language } = useLanguage();
  const t = useText(chatText);
  const age = Date.now() - atMs;
  const [unit, ms] = UNITS.find(([, one]) => age >= one) ?? [];
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const text = unit === undefined ? t.justNow : format.format(-Math.floor(age / ms), unit);
  return <time dateTime={new Date(atMs).toISOString()}>{text}</time>;
}
