import type { ModelObject } from '@blyan/api';
import { type KeyboardEvent, type SyntheticEvent, useEffect, useRef, useState } from 'react';
import { useText } from '../../language/index.ts';
import type { AskSettings, PlanChoice } from './conversation.ts';
import { isSubmitKey } from './submit-key.ts';
import { chatText } from './text.ts';

const PLANS: readonly PlanChoice[] = ['auto', 'local', 'pipeline', 'dynamic', 'static_delegate'];
const TEMPERATURES = [0, 0.3, 0.7, 1, 1.3];

/** UTF-16 units of one question; no model here reads as many. */
const MAX_QUESTION = 100_000;

interface ComposerProps {
  /** Null until the models are known. */
  readonly settings: AskSettings | null;
  readonly models: readonly ModelObject[];
  readonly isAnswering: boolean;
  readonly isFull: boolean;
  readonly draft: string;
  readonly onDraft: (text: string) => void;
  readonly onSettings: (change: Partial<AskSettings>) => void;
  /** False when it was not taken. */
  readonly onSend: (text: string) => boolean;
  readonly onStop: () => void;
}

export function Composer({
  settings,
  models,
  isAnswering,
  isFull,
  onDraft,
  onSettings,
  onSend,
  onStop,
  draft,
}: ComposerProps) {
  const t = useText(chatText);
  const [text, setText] = useState(draft);
  const field = useRef<HTMLTextAreaElement>(null);
  const canSend = settings !== null && !isAnswering && !isFull && text.trim() !== '';

  useEffect(() => {
    if (!isAnswering) field.current?.focus({ preventScroll: true });
  }, [isAnswering]);

  const change = (changed: string) => {
    setText(changed);
    onDraft(changed);
  };

  const send = (event?: SyntheticEvent) => {
    event?.preventDefault();
    if (canSend && onSend(text.trim())) change('');
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (isSubmitKey(event)) send(event);
  };

  return (
    <form className="composer" onSubmit={send}>
      {isFull && (
        <p className="note bad" role="status">
          {t.full}
        </p>
      )}
      <div className="field">
        <label className="hidden" htmlFor="question">
          {t.question}
        </label>
        <textarea
          id="question"
          ref={field}
          data-testid="composer"
          rows={1}
          maxLength={MAX_QUESTION}
          placeholder={t.placeholder}
          value={text}
          onChange={(event) => change(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {isAnswering ? (
          <button type="button" className="main" data-testid="stop" onClick={onStop}>
            {t.stop}
          </button>
        ) : (
          <button type="submit" className="main" data-testid="send" disabled={!canSend}>
            {t.send}
          </button>
        )}
      </div>
      <div className="settings">
        {settings && <Settings settings={settings} models={models} onSettings={onSettings} />}
        <details className="privacy">
          <summary>{t.whoSees}</summary>
          <p>{t.whoSeesText}</p>
        </details>
      </div>
    </form>
  );
}

interface SettingsProps {
  readonly settings: AskSettings;
  readonly models: readonly ModelObject[];
  readonly onSettings: (change: Partial<AskSettings>) => void;
}

function Settings({ settings: { model, plan, temperature, remembers }, models, onSettings }: SettingsProps) {
  const t = useText(chatText);
  return (
    <>
      <label>
        {t.model}{' '}
        <select data-testid="model" value={model} onChange={(event) => onSettings({ model: event.target.value })}>
          {models.map(({ id }) => (
            <option key={id}>{id}</option>
          ))}
        </select>
      </label>
      <label>
        {t.plan}{' '}
        <select
          data-testid="plan"
          value={plan}
          onChange={(event) => onSettings({ plan: event.target.value as PlanChoice })}
        >
          {PLANS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        {t.temperature}{' '}
        <select
          data-testid="temperature"
          value={temperature}
          onChange={(event) => onSettings({ temperature: Number(event.target.value) })}
        >
          {TEMPERATURES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={remembers}
          onChange={(event) => onSettings({ remembers: event.target.checked })}
        />{' '}
        {t.remembers}
      </label>
    </>
  );
}
