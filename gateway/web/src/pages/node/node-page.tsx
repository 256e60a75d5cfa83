import { Page } from '../../frame/page-frame.tsx';
import { useText } from '../../language/index.ts';
import { nodeText } from './text.ts';

export function NodePage() {
  const t = useText(nodeText);
  return (
    <Page title={t.title}>
      <p>{t.about}</p>
    </Page>
  );
}
