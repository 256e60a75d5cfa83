import { type DeviceView, userCodeOf } from '@blyan/api';
import { type SubmitEvent, useEffect, useId, useRef, useState } from 'react';
import { client } from '../../client.ts';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { Section } from './section.tsx';
import { accountText } from './text.ts';
import { useOwn } from './use-own.ts';

interface Asking {
  readonly code: string;
  readonly view: DeviceView;
}

const nothing = async () => null;

/** Approves the key that a program without a browser asks for (`blyan-node login`). */
export function DeviceSection() {
  const t = useText(accountText);
  const { problem, outcome, isBusy, change } = useOwn(nothing);
  const [asking, setAsking] = useState<Asking | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (location.hash === '#device') heading.current?.focus();
  }, []);
  const look = (code: string) =>
    void change(async () => {
      setAsking({ code, view: await client.auth.device(code) });
      return '';
    });
  const decide = async (approve: boolean) => {
    if (asking === null) return;
    await change(async () => {
      await client.auth.decideDevice(asking.code, approve);
      return approve ? t.deviceApproved(asking.view.name) : t.deviceRefused(asking.view.name);
    });
    setAsking(null);
    heading.current?.focus();
  };
  return (
    <Section title={t.device} about={t.deviceAbout} {...{ heading, problem, outcome }}>
      {asking === null ? (
        <CodeForm isBusy={isBusy} onCode={look} />
      ) : (
        <Asked view={asking.view} isBusy={isBusy} onDecide={(approve) => void decide(approve)} />
      )}
    </Section>
  );
}

interface CodeFormProps {
  readonly isBusy: boolean;
  readonly onCode: (code: string) => void;
}

function CodeForm({ isBusy, onCode }: CodeFormProps) {
  const t = useText(accountText);
  const id = useId();
  const [isWrong, setWrong] = useState(false);
  const onSubmit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const code = userCodeOf(String(new FormData(event.currentTarget).get('code')));
    setWrong(code === null);
    if (code !== null) onCode(code);
  };
  return (
    <form className="device-form" onSubmit={onSubmit}>
      <label>
        {t.deviceCode}
        <input
          name="code"
          maxLength={32}
          required
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          placeholder="BCDF-GHJK"
          aria-invalid={isWrong}
          aria-describedby={isWrong ? id : undefined}
        />
      </label>
      <button type="submit" className="main" disabled={isBusy}>
        {t.deviceLook}
      </button>
      {isWrong && (
        <p id={id} role="alert" className="note bad">
          {t.deviceNoCode}
        </p>
      )}
    </form>
  );
}

interface AskedProps {
  readonly view: DeviceView;
  readonly isBusy: boolean;
  readonly onDecide: (approve: boolean) => void;
}

function Asked({ view, isBusy, onDecide }: AskedProps) {
  const t = useText(accountText);
  const figures = useFigures();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), []);
  const { name, scopes, network, expiresAt } = view;
  return (
    <div className="new-key" ref={box} tabIndex={-1} data-testid="device">
      <p>{t.deviceAsks(name)}</p>
      <p className="note">
        {t.rights}: {scopes.map((scope) => t[scope]).join(', ')} · {t.expiresAt(figures.minute(Date.parse(expiresAt)))}
        {network !== null && ` · ${t.deviceFrom(network)}`}
      </p>
      <p className="note bad">{t.deviceWarning}</p>
      <p className="row-sure">
        <button type="button" className="main" disabled={isBusy} onClick={() => onDecide(true)}>
          {t.deviceApprove}
        </button>
        <button type="button" className="quiet" disabled={isBusy} onClick={() => onDecide(false)}>
          {t.deviceRefuse}
        </button>
      </p>
    </div>
  );
}
