import { Page } from '../../frame/page-frame.tsx';
import { useText } from '../../language/index.ts';
import { networkText } from './text.ts';

export function NetworkPage() {
  const t = useText(networkText);
  return (
    <Page title={t.title}>
      <p>{t.about}</p>
    </Page>
  );
}
