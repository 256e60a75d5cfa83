import { type KeyboardEvent, type SyntheticEvent, useEffect, useRef, useState } from 'react';

const PLANS = ['auto', 'local', 'pipeline', 'dynamic', 'static_delegate'] as const;
type Plan = (typeof PLANS)[number];

interface ComposerProps {
  readonly isReady: boolean;
  readonly isStreaming: boolean;
  readonly remembers: boolean;
  readonly onRemember: (remembers: boolean) => void;
  readonly onSend: (text: string, plan: Plan) => void;
  readonly onStop: () => void;
}

export function Composer({ isReady, isStreaming, remembers, onRemember, onSend, onStop }: ComposerProps) {
  const [text, setText] = useState('');
  const [plan, setPlan] = useState<Plan>('auto');
  const field = useRef<HTMLTextAreaElement>(null);
  const canSend = isReady && !isStreaming && text.trim() !== '';

  useEffect(() => {
    if (!isStreaming) field.current?.focus();
  }, [isStreaming]);

  const send = (event?: SyntheticEvent) => {
    event?.preventDefault();
    if (!canSend) return;
    onSend(text.trim(), plan);
    setText('');
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter takes its suggestion (229 is what Safari reports then).
    const isComposing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key === 'Enter' && !event.shiftKey && !isComposing) send(event);
  };

  return (
    <form className="composer" onSubmit={send}>
      <div className="field">
        <label className="hidden" htmlFor="question">
          Your question
        </label>
        <textarea
          id="question"
          ref={field}
          data-testid="composer"
          rows={1}
          placeholder="Ask something"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {isStreaming ? (
          <button type="button" className="main" data-testid="stop" onClick={onStop}>
            Stop
          </button>
        ) : (
          <button type="submit" className="main" data-testid="send" disabled={!canSend}>
            Send
          </button>
        )}
      </div>
      <div className="settings">
        <label>
          Plan{' '}
          <select data-testid="plan" value={plan} onChange={(event) => setPlan(event.target.value as Plan)}>
            {PLANS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          <input type="checkbox" checked={remembers} onChange={(event) => onRemember(event.target.checked)} /> Send
          earlier turns
        </label>
        <details className="privacy">
          <summary>Who can see this?</summary>
          <p>
            Whoever hosts a stage sees the activations of your text while it computes, and may recover the prompt from
            them. Do not send secrets. This page keeps the conversation in memory only.
          </p>
        </details>
      </div>
    </form>
  );
}
