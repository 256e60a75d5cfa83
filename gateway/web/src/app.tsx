import { PAGE_PATHS } from '@blyan/api';
import { lazy, Suspense } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { AccountProvider } from './account/account-context.tsx';
import { ErrorBoundary } from './frame/error-boundary.tsx';
import { Header } from './frame/header.tsx';
import { Page } from './frame/page-frame.tsx';
import { SessionNotice } from './frame/session-notice.tsx';
import { frameText } from './frame/text.ts';
import { LanguageProvider, useText } from './language/index.ts';
import { NetworkProvider } from './network/use-network.tsx';
import { ChatPage } from './pages/chat/chat-page.tsx';

// What is not looked at is not loaded.
const NetworkPage = lazy(async () => ({ default: (await import('./pages/network/network-page.tsx')).NetworkPage }));
const NodePage = lazy(async () => ({ default: (await import('./pages/node/node-page.tsx')).NodePage }));
const ExplorerPage = lazy(async () => ({ default: (await import('./pages/explorer/explorer-page.tsx')).ExplorerPage }));
const AccountPage = lazy(async () => ({ default: (await import('./pages/account/account-page.tsx')).AccountPage }));

export function App() {
  return (
    <LanguageProvider>
      <NetworkProvider>
        <AccountProvider>
          <Frame />
        </AccountProvider>
      </NetworkProvider>
    </LanguageProvider>
  );
}

function Frame() {
  const t = useText(frameText);
  const [location] = useLocation();
  return (
    <div className="app">
      <a className="skip" href="#main">
        {t.skip}
      </a>
      <Header />
      <SessionNotice />
      <main id="main" tabIndex={-1}>
        <ErrorBoundary location={location}>
          <Suspense fallback={<p className="page note">{t.loading}</p>}>
            <Switch>
              <Route path={PAGE_PATHS.chat} component={ChatPage} />
              <Route path={PAGE_PATHS.network} component={NetworkPage} />
              <Route path={PAGE_PATHS.node} component={NodePage} />
              <Route path={`${PAGE_PATHS.explorer}/*?`} component={ExplorerPage} />
              <Route path={PAGE_PATHS.account} component={AccountPage} />
              <Route component={NotFound} />
            </Switch>
          </Suspense>
        </ErrorBoundary>
      </main>
    </div>
  );
}

function NotFound() {
  const t = useText(frameText);
  return (
    <Page title={t.notFound}>
      <Link href={PAGE_PATHS.chat}>{t.toChat}</Link>
    </Page>
  );
}
