import { useRef } from 'react';
import { useText } from '../../language/index.ts';
import { AnswerReport } from './answer-report.tsx';
import type { Answer, Message } from './conversation.ts';
import { CopyButton } from './copy-button.tsx';
import { FailureNote } from './failure-note.tsx';
import { Markdown } from './markdown.tsx';
import { chatText } from './text.ts';
import { Versions } from './versions.tsx';

interface AnswerViewProps {
  readonly answer: Answer;
  readonly versions: readonly Message[];
  /** Whether the conversation is being answered in this window. */
  readonly isAnswering: boolean;
  readonly onChoose: (id: string) => void;
  readonly onAgain: (answer: Answer) => void;
  readonly onGoOn: (answer: Answer) => void;
}

export function AnswerView({ answer, versions, isAnswering, onChoose, onAgain, onGoOn }: AnswerViewProps) {
  const t = useText(chatText);
  const body = useRef<HTMLDivElement>(null);
  const { text, status, failure, requestId, report } = answer;
  const isStreaming = status === 'streaming';
  const goesOn = requestId !== undefined && failure?.code !== 'answer_not_found';
  const retry = goesOn ? () => onGoOn(answer) : () => onAgain(answer);
  return (
    <div className={`answer ${status}`} data-testid="answer" data-status={status}>
      <span className="hidden">Blyan: </span>
      <div className="text" ref={body} data-testid="answer-text" dir="auto">
        <Markdown text={text} />
        {isStreaming && <span className="caret" aria-hidden="true" />}
      </div>
      {status === 'stopped' && <p className="note">{t.stopped}</p>}
      {answer.isCut && <p className="note">{t.isCut}</p>}
      {isStreaming && !isAnswering && (
        <p className="note">
          {t.elsewhere}{' '}
          <button type="button" className="act" onClick={() => onGoOn(answer)}>
            {t.goOn}
          </button>
        </p>
      )}
      {failure && <FailureNote failure={failure} onRetry={isAnswering ? undefined : retry} />}
      {!isStreaming && (
        <div className="acts">
          <Versions message={answer} versions={versions} onChoose={onChoose} />
          {text !== '' && <CopyButton text={text} source={body} />}
          <button type="button" className="act" disabled={isAnswering} onClick={() => onAgain(answer)}>
            {t.again}
          </button>
        </div>
      )}
      {report && <AnswerReport answer={answer} report={report} />}
    </div>
  );
}
