import { useAccount } from '../../account/account-context.tsx';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { CopyButton } from './copy-button.tsx';
import { Section } from './section.tsx';
import { accountText } from './text.ts';

interface IdentitySectionProps {
  readonly address: string;
  readonly expiresAt: string | null;
}

export function IdentitySection({ address, expiresAt }: IdentitySectionProps) {
  const t = useText(accountText);
  const figures = useFigures();
  const { signOut } = useAccount();
  return (
    <Section title={t.identity} about={t.identityAbout}>
      <p className="account-address">
        <code data-testid="address">{address}</code>
        <CopyButton text={address} what={t.address} />
      </p>
      {expiresAt !== null && <p className="note">{t.signedInUntil(figures.minute(Date.parse(expiresAt)))}</p>}
      <button type="button" className="quiet" onClick={signOut}>
        {t.signOut}
      </button>
    </Section>
  );
}
