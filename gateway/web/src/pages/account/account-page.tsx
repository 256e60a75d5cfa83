import { Page } from '../../frame/page-frame.tsx';
import { useText } from '../../language/index.ts';
import { accountText } from './text.ts';

export function AccountPage() {
  const t = useText(accountText);
  return (
    <Page title={t.title}>
      <p>{t.about}</p>
    </Page>
  );
}
