import { useEffect, useRef, useState } from 'react';
import { useFigures } from '../../figures.ts';
import { shortPeer } from '../../format.ts';
import { DataPage } from '../../frame/data-page.tsx';
import { useText } from '../../language/index.ts';
import type { NodeState } from '../../network/coverage.ts';
import { type Departure, departuresOf } from '../../network/departures.ts';
import '../../network/network.css';
import { useNetwork } from '../../network/use-network.tsx';
import { CoverageSection } from './coverage-section.tsx';
import { KindsSection } from './kinds-section.tsx';
import { NodeTable } from './node-table.tsx';
import { Outcasts } from './outcasts.tsx';
import { Sums } from './sums.tsx';
import { networkText } from './text.ts';
import { TopologySection } from './topology-section.tsx';

/** The network as this gateway's node sees it, as new as its last answer. */
export function NetworkPage() {
  const t = useText(networkText);
  const { state, problem } = useNetwork();
  return (
    <DataPage title={t.title}>
      <p className="lead">{t.about}</p>
      {problem !== null && (
        <p className="note bad" role="status">
          {t.offline}
        </p>
      )}
      {state === null && problem === null && <p className="note">{t.loading}</p>}
      {state !== null && (
        <>
          <Sums state={state} />
          {state.models.length === 0 && <p className="empty">{t.noModel}</p>}
          {state.models.map((model) => (
            <CoverageSection key={model.root} model={model} nodes={state.nodes} />
          ))}
          <div className="pair">
            <TopologySection nodes={state.nodes} />
            <KindsSection nodes={state.nodes} />
          </div>
          <NodeTable nodes={state.nodes} />
          <Gone nodes={state.nodes} />
          <Outcasts outcasts={state.outcasts} />
        </>
      )}
    </DataPage>
  );
}

/** Says which nodes have disappeared: they are no longer anywhere else on the page. */
function Gone({ nodes }: { readonly nodes: readonly NodeState[] }) {
  const t = useText(networkText);
  const { ago } = useFigures();
  const departures = useDepartures(nodes);
  const now = Date.now();
  return (
    <section className="part" role="status" data-testid="gone">
      {departures.length > 0 && (
        <>
          <h2>{t.gone}</h2>
          <ul className="plain-list">
            {departures.map(({ peerId, atMs }) => (
              <li key={peerId} title={peerId}>
                {t.goneAgo(shortPeer(peerId), ago(atMs, now))}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function useDepartures(nodes: readonly NodeState[]): readonly Departure[] {
  const before = useRef(nodes);
  const [departures, setDepartures] = useState<readonly Departure[]>([]);
  useEffect(() => {
    const earlier = before.current;
    before.current = nodes;
    setDepartures((known) => departuresOf(known, earlier, nodes, Date.now()));
  }, [nodes]);
  return departures;
}
