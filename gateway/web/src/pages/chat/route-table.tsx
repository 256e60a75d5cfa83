import { type BlyanRouteEntry, PAGE_PATHS } from '@blyan/api';
import { Link } from 'wouter';
import { expertRanges, formatMs, shortPeer } from '../../format.ts';
import { useText } from '../../language/index.ts';
import { peerClass } from '../../network/peer-colour.ts';
import { useNetwork } from '../../network/use-network.tsx';
import { reportText } from './report-text.ts';

/** Which node did what, and how far it is away. */
export function RouteTable({ route }: { readonly route: readonly BlyanRouteEntry[] }) {
  const t = useText(reportText);
  const { state } = useNetwork();
  const rttOf = (peerId: string) => {
    const node = state?.nodes.find((one) => one.peerId === peerId);
    if (node === undefined) return state === null ? '' : t.gone;
    if (node.self) return t.here;
    return node.rttMs === null ? '' : formatMs(node.rttMs);
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <div className="scroller" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t.node}</th>
            <th scope="col">{t.part}</th>
            <th scope="col" className="number">
              {t.calls}
            </th>
            <th scope="col" className="number">
              {t.time}
            </th>
            <th scope="col" className="number">
              {t.rtt}
            </th>
          </tr>
        </thead>
        <tbody>
          {route.map((entry) => (
            <tr key={`${entry.peerId} ${entry.role}`} data-testid="route-entry" data-peer={entry.peerId}>
              <th scope="row">
                <span className={`dot ${peerClass(entry.peerId)}`} aria-hidden="true" />
                <Link href={PAGE_PATHS.node.replace(':peerId', entry.peerId)} title={entry.peerId}>
                  {shortPeer(entry.peerId)}
                </Link>
              </th>
              <td>{partOf(entry, t)}</td>
              <td className="number">{entry.calls}</td>
              <td className="number">{formatMs(entry.ms)}</td>
              <td className="number">{rttOf(entry.peerId)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function partOf({ role, layers, experts }: BlyanRouteEntry, t: (typeof reportText)['en']): string {
  const where = [
    layers && t.layersOf(layers),
    experts && experts.length > 0 && t.expertsOf(expertRanges(experts)),
  ].filter(Boolean);
  return role === 'experts' && where.length > 0 ? where.join(', ') : [t[role], ...where].join(', ');
}
