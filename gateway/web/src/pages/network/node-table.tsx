import { useState } from 'react';
import { Link } from 'wouter';
import { useFigures } from '../../figures.ts';
import { formatMs, shortPeer } from '../../format.ts';
import { useText } from '../../language/index.ts';
import type { NodeState } from '../../network/coverage.ts';
import { listedNodes, NODE_ORDERS, type NodeOrder } from '../../network/node-standing.ts';
import { peerClass } from '../../network/peer-colour.ts';
import { StandingBadge } from '../../network/standing-badge.tsx';
import { nodePath } from '../explorer/search-target.ts';
import { networkText } from './text.ts';

/** Fewer can be looked through without help. */
const WITH_FILTERS = 6;

/** Every node in a line of its own. */
export function NodeTable({ nodes }: { readonly nodes: readonly NodeState[] }) {
  const t = useText(networkText);
  const { number } = useFigures();
  const [order, setOrder] = useState<NodeOrder>('distance');
  const [wanted, setWanted] = useState('');
  const listed = listedNodes(nodes, order, wanted);
  return (
    <section className="part">
      <h2>{t.list}</h2>
      {nodes.length >= WITH_FILTERS && (
        <div className="filters">
          <input
            type="search"
            aria-label={t.find}
            placeholder={t.find}
            value={wanted}
            onChange={(event) => setWanted(event.target.value)}
          />
          <label>
            {t.order}{' '}
            <select value={order} onChange={(event) => setOrder(event.target.value as NodeOrder)}>
              {NODE_ORDERS.map((one) => (
                <option key={one} value={one}>
                  {t[`order_${one}`]}
                </option>
              ))}
            </select>
          </label>
          <span className="soft" role="status">
            {t.shown(number(listed.length), number(nodes.length))}
          </span>
        </div>
      )}
      <table className="table nodes" data-testid="network">
        <thead>
          <tr>
            <th scope="col">{t.node}</th>
            <th scope="col" className="number">
              {t.distance}
            </th>
            <th scope="col">{t.hosts}</th>
            <th scope="col" className="number">
              {t.speed}
            </th>
            <th scope="col">{t.load}</th>
            <th scope="col">{t.status}</th>
          </tr>
        </thead>
        <tbody>
          {listed.map((node) => (
            <NodeRow key={node.peerId} node={node} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function NodeRow({ node }: { readonly node: NodeState }) {
  const t = useText(networkText);
  const { number } = useFigures();
  const { peerId, self, gateway, reachable, rttMs, hosted, speed, active, queued } = node;
  const distance = self ? '–' : !reachable ? t.notConnected : rttMs === null ? t.measuring : formatMs(rttMs);
  return (
    <tr data-testid="node" data-peer={peerId}>
      <th scope="row">
        <span className="node-name">
          <span className={`dot ${peerClass(peerId)}`} aria-hidden="true" />
          <Link href={nodePath(peerId)} title={peerId}>
            <code>{shortPeer(peerId)}</code>
          </Link>
          {self && <span className="badge soft">{t.self}</span>}
          {!self && gateway && <span className="badge soft">{t.gateway}</span>}
        </span>
      </th>
      <td className="number" data-label={t.distance}>
        {distance}
      </td>
      <td data-label={t.hosts}>{hosted.blocks === 0 ? t.nothing : t.blocks(number(hosted.blocks))}</td>
      <td className="number" data-label={t.speed}>
        {speed.stepUs === 0 ? t.notMeasured : formatMs(speed.stepUs / 1000)}
      </td>
      <td data-label={t.load}>{active + queued === 0 ? t.idle : t.loadOf(number(active), number(queued))}</td>
      <td data-label={t.status}>
        <StandingBadge node={node} />
      </td>
    </tr>
  );
}
