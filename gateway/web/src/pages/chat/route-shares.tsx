import type { BlyanRouteEntry } from '@blyan/api';
import { peerClass } from '../../network/peer-colour.ts';

/** One bar, divided by computing time. The route drawer says the same in numbers. */
export function RouteShares({ route }: { readonly route: readonly BlyanRouteEntry[] }) {
  const total = route.reduce((sum, { ms }) => sum + ms, 0);
  if (total === 0) return null;
  let x = 0;
  return (
    <svg className="shares" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      {route.map(({ peerId, role, ms }) => {
        const width = (100 * ms) / total;
        x += width;
        return <rect key={`${peerId} ${role}`} className={peerClass(peerId)} x={x - width} width={width} height="1" />;
      })}
    </svg>
  );
}
