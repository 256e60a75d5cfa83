import { memo, useLayoutEffect, useRef } from 'react';
import { AnswerReport } from './answer-report.tsx';
import type { Turn } from './use-chat.ts';
import { Welcome } from './welcome.tsx';

/** Distance from the end, in pixels, within which the view follows a growing answer. */
const FOLLOW_WITHIN = 120;

interface ConversationProps {
  readonly turns: readonly Turn[];
  readonly isStreaming: boolean;
  readonly onExample: (text: string) => void;
}

export function Conversation({ turns, isStreaming, onExample }: ConversationProps) {
  const view = useRef<HTMLDivElement>(null);
  const follows = useRef(true);

  // biome-ignore lint/correctness/useExhaustiveDependencies: every change of the turns may make the view longer
  useLayoutEffect(() => {
    if (view.current !== null && follows.current) view.current.scrollTop = view.current.scrollHeight;
  }, [turns]);

  const onScroll = () => {
    const element = view.current;
    if (element === null) return;
    follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_WITHIN;
  };

  return (
    <div
      className="view"
      ref={view}
      onScroll={onScroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
      tabIndex={0}
      role="log"
      aria-label="Conversation"
      aria-busy={isStreaming}
    >
      {turns.length === 0 ? (
        <Welcome onExample={onExample} />
      ) : (
        <div className="turns">
          {turns.map((turn) => (
            <TurnView key={turn.id} turn={turn} />
          ))}
        </div>
      )}
    </div>
  );
}

const TurnView = memo(function TurnView({ turn }: { readonly turn: Turn }) {
  const { question, answer, status, error, report, usage } = turn;
  return (
    <article className="turn">
      <p className="question">
        <span className="hidden">You: </span>
        {question}
      </p>
      <div className={`answer ${status}`} data-testid="answer" data-status={status}>
        <span className="hidden">Blyan: </span>
        <span className="text" data-testid="answer-text">
          {answer}
        </span>
        {status === 'streaming' && <span className="caret" aria-hidden="true" />}
      </div>
      {status === 'stopped' && <p className="note">Stopped.</p>}
      {status === 'failed' && (
        <p className="note bad" role="alert">
          {error}
        </p>
      )}
      {report && <AnswerReport report={report} usage={usage} />}
    </article>
  );
});
