import { PAGE_PATHS } from '@blyan/api';
import { useLocation } from 'wouter';
import { useAccount } from '../account/account-context.tsx';
import { type NoticeCode, noticeText } from '../account/notice-text.ts';
import { useText } from '../language/index.ts';
import { frameText } from './text.ts';

/** What ends a session while somebody does something else. */
const ENDINGS: ReadonlySet<NoticeCode> = new Set(['ended', 'account_switched', 'wallet_closed']);

/** Says on every page that the session is over; the account page says it itself. */
export function SessionNotice() {
  const t = useText(frameText);
  const notices = useText(noticeText);
  const { notice, dismiss } = useAccount();
  const [location] = useLocation();
  const isTold = notice !== null && ENDINGS.has(notice) && location !== PAGE_PATHS.account;
  return (
    <div className="session-notice" role="status" data-testid="session-notice">
      {isTold && (
        <>
          <p>{notices[notice]}</p>
          <button type="button" className="quiet" onClick={dismiss}>
            {t.dismiss}
          </button>
        </>
      )}
    </div>
  );
}
