import { PAGE_PATHS } from '@blyan/api';
import { Link, useRoute } from 'wouter';
import { useAccount } from '../account/account-context.tsx';
import { useText } from '../language/index.ts';
import { LanguageSwitch } from './language-switch.tsx';
import { NetworkLight } from './network-light.tsx';
import { frameText } from './text.ts';

const PAGES = ['chat', 'network', 'explorer', 'account'] as const;

export function Header() {
  const t = useText(frameText);
  const address = useAccount().session?.address ?? null;
  return (
    <header className="header">
      <Link href={PAGE_PATHS.chat} className="wordmark">
        <img src="/favicon.svg" alt="" width="24" height="24" />
        Blyan
      </Link>
      <nav className="pages" aria-label={t.pages}>
        {PAGES.map((page) => (
          <PageLink key={page} href={PAGE_PATHS[page]} text={t[page]} />
        ))}
      </nav>
      <span className="spacer" />
      <NetworkLight />
      <Link href={PAGE_PATHS.account} className="quiet account-link" data-testid="account-link">
        {address === null ? t.signIn : shortAddress(address)}
      </Link>
      <LanguageSwitch />
    </header>
  );
}

function PageLink({ href, text }: { readonly href: string; readonly text: string }) {
  const [isActive] = useRoute(href === PAGE_PATHS.chat ? href : `${href}/*?`);
  return (
    <Link href={href} aria-current={isActive ? 'page' : undefined}>
      {text}
    </Link>
  );
}

/** `0xf39f…2266`. */
function shortAddress(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}
