import { Page } from '../../frame/page-frame.tsx';
import { useText } from '../../language/index.ts';
import { explorerText } from './text.ts';

export function ExplorerPage() {
  const t = useText(explorerText);
  return (
    <Page title={t.title}>
      <p>{t.about}</p>
    </Page>
  );
}
