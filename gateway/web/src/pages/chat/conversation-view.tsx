import { useLayoutEffect, useMemo, useRef } from 'react';
import { useText } from '../../language/index.ts';
import { AnswerView } from './answer-view.tsx';
import type { Chat, ChatState } from './chat.ts';
import { type AskSettings, branchOf, siblingsOf } from './conversation.ts';
import { QuestionView } from './question-view.tsx';
import { chatText } from './text.ts';
import { Welcome } from './welcome.tsx';

/** Distance from the end, in pixels, within which the view follows a growing answer. */
const FOLLOW_WITHIN = 120;

interface ConversationViewProps {
  readonly chat: Chat;
  readonly state: ChatState;
  /** Null until the models are known. */
  readonly settings: AskSettings | null;
}

export function ConversationView({ chat, state, settings }: ConversationViewProps) {
  const t = useText(chatText);
  const view = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const { conversation, isAnswering, isFull, isLoaded } = state;
  const branch = useMemo(() => branchOf(conversation), [conversation]);
  const canAsk = settings !== null && !isAnswering && !isFull;

  // biome-ignore lint/correctness/useExhaustiveDependencies: every change of the branch may make the view longer
  useLayoutEffect(() => {
    if (view.current !== null && follows.current) view.current.scrollTop = view.current.scrollHeight;
  }, [branch]);

  const onScroll = () => {
    const element = view.current;
    if (element === null) return;
    follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_WITHIN;
  };

  const onChoose = (id: string) => {
    follows.current = false;
    chat.choose(id);
  };

  return (
    <div
      className="view"
      ref={view}
      onScroll={onScroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
      tabIndex={0}
      role="log"
      aria-label={t.log}
      aria-busy={isAnswering}
    >
      {isLoaded && branch.length === 0 && (
        <Welcome onExample={(text) => settings !== null && chat.ask(text, settings)} />
      )}
      <div className="turns">
        {branch.map((message) =>
          message.role === 'question' ? (
            <QuestionView
              key={message.id}
              question={message}
              versions={siblingsOf(conversation, message)}
              canAsk={canAsk}
              onChoose={onChoose}
              onEdit={(id, text) => settings !== null && chat.edit(id, text, settings)}
            />
          ) : (
            <AnswerView
              key={message.id}
              answer={message}
              versions={siblingsOf(conversation, message)}
              isAnswering={isAnswering}
              onChoose={onChoose}
              onAgain={(answer) => settings !== null && chat.again(answer, settings)}
              onGoOn={(answer) => chat.goOn(answer)}
            />
          ),
        )}
      </div>
    </div>
  );
}
