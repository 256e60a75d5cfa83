import type { SessionList } from '@blyan/api';
import { useRef } from 'react';
import { client } from '../../client.ts';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { Section } from './section.tsx';
import { accountText } from './text.ts';
import { useOwn } from './use-own.ts';

const load = async (signal: AbortSignal) => (await client.auth.sessions(signal)).data.reverse();

/** Where the account is signed in, the newest first; all but the one of this page can be ended here. */
export function SessionsSection() {
  const t = useText(accountText);
  const { value, problem, outcome, isBusy, change } = useOwn(load);
  const heading = useRef<HTMLHeadingElement>(null);
  const end = async (work: () => Promise<string>) => {
    await change(work);
    heading.current?.focus();
  };
  const endOne = ({ id, device }: SessionList['data'][number]) =>
    end(async () => {
      await client.auth.endSession(id);
      return t.sessionEnded(device ?? t.program);
    });
  const endOthers = () => end(async () => t.sessionsEnded(await client.auth.endOtherSessions()));
  const hasOthers = value !== null && value.length > 1;
  return (
    <Section title={t.sessions} about={t.sessionsAbout} {...{ heading, problem, outcome }}>
      <ul className="entries" aria-busy={value === null}>
        {value?.map((session) => (
          <SessionRow key={session.id} session={session} isBusy={isBusy} onEnd={() => void endOne(session)} />
        ))}
      </ul>
      {hasOthers && (
        <button type="button" className="quiet" disabled={isBusy} onClick={() => void endOthers()}>
          {t.endOthers}
        </button>
      )}
    </Section>
  );
}

interface SessionRowProps {
  readonly session: SessionList['data'][number];
  readonly isBusy: boolean;
  readonly onEnd: () => void;
}

function SessionRow({ session, isBusy, onEnd }: SessionRowProps) {
  const t = useText(accountText);
  const figures = useFigures();
  const device = session.device ?? t.program;
  return (
    <li className="row" data-testid="session">
      <div>
        <p className="row-name">
          {device}
          {session.isCurrent && <span className="tag">{t.thisSession}</span>}
        </p>
        <p className="note">
          {t.signedInAt(figures.minute(Date.parse(session.createdAt)))} ·{' '}
          {t.lastUsedAt(figures.minute(Date.parse(session.lastUsedAt)))} ·{' '}
          {t.endsAt(figures.minute(Date.parse(session.expiresAt)))}
        </p>
      </div>
      {!session.isCurrent && (
        <button type="button" className="quiet" disabled={isBusy} aria-label={t.endWhich(device)} onClick={onEnd}>
          {t.end}
        </button>
      )}
    </li>
  );
}
