import { PAGE_PATHS } from '@blyan/api';
import { Link, useRoute } from 'wouter';
import { shortAddress } from '../account/account-dialog.tsx';
import { useText } from '../language/index.ts';
import { LanguageSwitch } from './language-switch.tsx';
import { NetworkLight } from './network-light.tsx';
import { frameText } from './text.ts';

const PAGES = ['chat', 'network', 'explorer', 'account'] as const;

interface HeaderProps {
  /** Of whoever is signed in. */
  readonly address: string | null;
  readonly onAccount: () => void;
}

export function Header({ address, onAccount }: HeaderProps) {
  const t = useText(frameText);
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
      <button type="button" className="quiet address-button" data-testid="account-toggle" onClick={onAccount}>
        {address === null ? t.signIn : shortAddress(address)}
      </button>
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
