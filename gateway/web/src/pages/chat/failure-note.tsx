import { type ApiErrorType, PAGE_PATHS } from '@blyan/api';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { useText } from '../../language/index.ts';
import type { Failure } from './conversation.ts';
import { failureText } from './failure-text.ts';
import { chatText } from './text.ts';

interface FailureNoteProps {
  readonly failure: Failure;
  /** Asks once more; goes on where there is something to go on with. */
  readonly onRetry: (() => void) | undefined;
}

/** What went wrong in the reader's words and in the gateway's, its code, and what to do now or after the wait. */
export function FailureNote({ failure, onRetry }: FailureNoteProps) {
  const t = useText(failureText);
  const chat = useText(chatText);
  const seconds = useSecondsUntil(failure.retryAtMs ?? 0);
  const meaning = meaningOf(failure);
  return (
    <div className="failure">
      <div role="alert">
        <p>{t[meaning]}</p>
        <p className="note" lang="en">
          {failure.message} <code>{failure.code}</code>
        </p>
      </div>
      {(meaning === 'credit' || meaning === 'signIn') && <Link href={PAGE_PATHS.account}>{t.toAccount}</Link>}
      {onRetry && (
        <button type="button" className="quiet" data-testid="retry" disabled={seconds > 0} onClick={onRetry}>
          {seconds > 0 ? chat.tryAgainIn(seconds) : chat.tryAgain}
        </button>
      )}
    </div>
  );
}

type Meaning = Exclude<keyof (typeof failureText)['en'], 'toAccount'>;

const BY_CODE: Readonly<Record<string, Meaning>> = {
  ERR_API_UNREACHABLE: 'unreachable',
  ERR_API_BROKEN_ANSWER: 'broken',
  answer_not_found: 'forgotten',
  model_not_found: 'model',
  context_length_exceeded: 'tooLong',
  ERR_GATEWAY_BODY_TOO_LARGE: 'tooLong',
};

const BY_TYPE: Readonly<Record<ApiErrorType, Meaning>> = {
  invalid_request_error: 'refused',
  authentication_error: 'signIn',
  permission_error: 'forbidden',
  insufficient_quota: 'credit',
  rate_limit_error: 'wait',
  server_error: 'fault',
  overloaded_error: 'busy',
  shard_unavailable: 'nodes',
};

function meaningOf({ code, type }: Failure): Meaning {
  return BY_CODE[code] ?? (type === undefined ? 'broken' : BY_TYPE[type as ApiErrorType]) ?? 'fault';
}

/** Counts down, and ends at 0. */
function useSecondsUntil(atMs: number): number {
  const left = () => Math.max(0, Math.ceil((atMs - Date.now()) / 1000));
  const [seconds, setSeconds] = useState(left);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it reads the clock
  useEffect(() => {
    setSeconds(left());
    const timer = setInterval(() => {
      const now = left();
      setSeconds(now);
      if (now === 0) clearInterval(timer);
    }, 500);
    return () => clearInterval(timer);
  }, [atMs]);
  return seconds;
}
