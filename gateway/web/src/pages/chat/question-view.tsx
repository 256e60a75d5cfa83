import { type KeyboardEvent, type SyntheticEvent, useEffect, useRef, useState } from 'react';
import { useText } from '../../language/index.ts';
import type { Message, Question } from './conversation.ts';
import { isSubmitKey } from './submit-key.ts';
import { chatText } from './text.ts';
import { Versions } from './versions.tsx';

interface QuestionViewProps {
  readonly question: Question;
  readonly versions: readonly Message[];
  readonly canAsk: boolean;
  readonly onChoose: (id: string) => void;
  /** False when it was not taken. */
  readonly onEdit: (id: string, text: string) => boolean;
}

export function QuestionView({ question, versions, canAsk, onChoose, onEdit }: QuestionViewProps) {
  const t = useText(chatText);
  const [isEditing, setEditing] = useState(false);
  if (isEditing) {
    return (
      <Editor
        text={question.text}
        onCancel={() => setEditing(false)}
        onSubmit={(text) => {
          if (onEdit(question.id, text)) setEditing(false);
        }}
      />
    );
  }
  return (
    <div className="asked">
      <p className="question" data-testid="question" dir="auto">
        <span className="hidden">{t.you}</span>
        {question.text}
      </p>
      <div className="acts">
        <Versions message={question} versions={versions} onChoose={onChoose} />
        <button type="button" className="act" data-testid="edit" disabled={!canAsk} onClick={() => setEditing(true)}>
          {t.edit}
        </button>
      </div>
    </div>
  );
}

interface EditorProps {
  readonly text: string;
  readonly onCancel: () => void;
  readonly onSubmit: (text: string) => void;
}

function Editor({ text: before, onCancel, onSubmit }: EditorProps) {
  const t = useText(chatText);
  const [text, setText] = useState(before);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (text.trim() !== '') onSubmit(text.trim());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isSubmitKey(event)) submit(event);
    else if (event.key === 'Escape') onCancel();
  };
  return (
    <form className="editor" onSubmit={submit}>
      <textarea
        ref={field}
        aria-label={t.editing}
        data-testid="editor"
        rows={2}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="acts">
        <button type="button" className="quiet" onClick={onCancel}>
          {t.cancel}
        </button>
        <button type="submit" className="main" disabled={text.trim() === ''}>
          {t.send}
        </button>
      </div>
    </form>
  );
}
