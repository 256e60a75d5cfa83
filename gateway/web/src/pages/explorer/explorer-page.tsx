import { PAGE_PATHS } from '@blyan/api';
import { Link, Route, Switch } from 'wouter';
import './explorer.css';
import { DataPage } from '../../frame/data-page.tsx';
import { useText } from '../../language/index.ts';
import { AccountView } from './account-view.tsx';
import { BlockView } from './block-view.tsx';
import { ChainHome } from './chain-home.tsx';
import { RecordView } from './record-view.tsx';
import { explorerText } from './text.ts';

const HEIGHT = /^\d{1,15}$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** The chain: newest blocks, one block, one record, one account. */
export function ExplorerPage() {
  return (
    <Switch>
      <Route path={PAGE_PATHS.explorerBlock}>
        {({ height }) => (HEIGHT.test(height) || DIGEST.test(height) ? <BlockView id={height} /> : <BadPath />)}
      </Route>
      <Route path={PAGE_PATHS.explorerRecord}>
        {({ hash }) => (DIGEST.test(hash) ? <RecordView hash={hash} /> : <BadPath />)}
      </Route>
      <Route path={PAGE_PATHS.explorerAccount}>
        {({ id }) => (DIGEST.test(id) ? <AccountView address={id} /> : <BadPath />)}
      </Route>
      <Route path={PAGE_PATHS.explorer} component={ChainHome} />
      <Route component={BadPath} />
    </Switch>
  );
}

function BadPath() {
  const t = useText(explorerText);
  return (
    <DataPage title={t.unknownTitle}>
      <p>{t.badPath}</p>
      <Link href={PAGE_PATHS.explorer}>{t.toExplorer}</Link>
    </DataPage>
  );
}
