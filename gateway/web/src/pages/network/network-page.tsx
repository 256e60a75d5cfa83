import { Page } from '../../frame/page-frame.tsx';
import { useText } from '../../language/index.ts';
import { useNetwork } from '../../network/use-network.tsx';
import { NetworkPanel } from './network-panel.tsx';
import { networkText } from './text.ts';

export function NetworkPage() {
  const t = useText(networkText);
  const network = useNetwork();
  return (
    <Page title={t.title}>
      <p>{t.about}</p>
      <NetworkPanel network={network} root={network.models[0]?.blyan.root} />
    </Page>
  );
}
