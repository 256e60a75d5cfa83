import { useEffect, useRef } from 'react';
import { useAccount } from '../../account/account-context.tsx';
import { noticeText } from '../../account/notice-text.ts';
import { ProblemNote } from '../../account/problem-note.tsx';
import { Page } from '../../frame/page-frame.tsx';
import { useText } from '../../language/index.ts';
import { DeviceSection } from './device-section.tsx';
import { IdentitySection } from './identity-section.tsx';
import { KeysSection } from './keys-section.tsx';
import { LimitsSection } from './limits-section.tsx';
import { SessionsSection } from './sessions-section.tsx';
import { SignInSection } from './sign-in-section.tsx';
import { StatementSection } from './statement-section.tsx';
import { accountText } from './text.ts';
import './account.css';

/** Signing in and out, and everything that an account has at this gateway. */
export function AccountPage() {
  const t = useText(accountText);
  const { session } = useAccount();
  return (
    <Page title={t.title}>
      <Notice />
      {session === null && <p className="note">{t.asking}</p>}
      {session?.address === null && <SignInSection session={session} />}
      {session?.address != null && (
        // Whoever signs in next sees nothing of the one before.
        <div className="account-sections" key={session.address}>
          <IdentitySection address={session.address} expiresAt={session.expiresAt} />
          <KeysSection />
          <StatementSection />
          <LimitsSection />
          <SessionsSection />
          <DeviceSection />
        </div>
      )}
    </Page>
  );
}

/** What became of signing in or out, and of the wallet; it takes the focus when the button that was pressed is gone. */
function Notice() {
  const t = useText(noticeText);
  const { notice, problem } = useAccount();
  const said = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if ((notice ?? problem) !== null && document.activeElement === document.body) said.current?.focus();
  }, [notice, problem]);
  return (
    <div className="account-news" ref={said} tabIndex={-1}>
      <p role="status" className="account-notice" data-testid="notice">
        {notice !== null && t[notice]}
      </p>
      <ProblemNote problem={problem} />
    </div>
  );
}
