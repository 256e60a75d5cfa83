import { useLocation } from 'wouter';
import { formatMs, shortPeer } from '../../format.ts';
import { useText } from '../../language/index.ts';
import type { NodeState } from '../../network/coverage.ts';
import { peerClass } from '../../network/peer-colour.ts';
import { TOPOLOGY, topologyOf } from '../../network/topology.ts';
import { nodePath } from '../explorer/search-target.ts';
import { networkText } from './text.ts';

const MIDDLE = TOPOLOGY.size / 2;

/** How far the other nodes are from this one. */
export function TopologySection({ nodes }: { readonly nodes: readonly NodeState[] }) {
  const t = useText(networkText);
  const [, navigate] = useLocation();
  const { dots, rings } = topologyOf(nodes);
  const self = nodes.find((node) => node.self);
  return (
    <section className="part" data-testid="topology">
      <h2>{t.topology}</h2>
      {dots.length === 0 ? (
        <p className="note">{t.alone}</p>
      ) : (
        <svg
          className="topology"
          viewBox={`0 0 ${TOPOLOGY.size} ${TOPOLOGY.size}`}
          role="img"
          aria-label={t.topologyLabel(dots.length)}
        >
          {rings.map(({ ms, radius }) => (
            <g key={ms}>
              <circle className="ring" cx={MIDDLE} cy={MIDDLE} r={radius} />
              <text x={MIDDLE + radius * 0.71 + 3} y={MIDDLE + radius * 0.71 + 9}>
                {formatMs(ms)}
              </text>
            </g>
          ))}
          {dots.map(
            ({ peerId, x, y, isLinked }) =>
              isLinked && <line key={peerId} className="link" x1={MIDDLE} y1={MIDDLE} x2={x} y2={y} />,
          )}
          {dots.map(({ peerId, x, y, isLinked, isRefused, name }) => (
            // The list of nodes has links for those who use no pointer.
            // biome-ignore lint/a11y/noStaticElementInteractions: see above
            <g key={peerId} className={peerClass(peerId)} onClick={() => navigate(nodePath(peerId))}>
              <title>{shortPeer(peerId)}</title>
              <circle
                className={`${isLinked ? '' : 'unlinked'} ${isRefused ? 'refused' : ''}`}
                cx={x}
                cy={y}
                r={dots.length > 40 ? 4 : 6}
              />
              {name && (
                <text className="name" x={name.x} y={name.y} textAnchor={name.anchor}>
                  {shortPeer(peerId)}
                </text>
              )}
            </g>
          ))}
          {self && (
            <g className={peerClass(self.peerId)}>
              <circle cx={MIDDLE} cy={MIDDLE} r={11} />
              <text className="name" x={MIDDLE} y={MIDDLE + 25} textAnchor="middle">
                {t.self}
              </text>
            </g>
          )}
        </svg>
      )}
      <p className="note fine">{t.topologyAbout}</p>
    </section>
  );
}
