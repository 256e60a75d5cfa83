import { useText } from '../../language/index.ts';
import type { NodeState } from '../../network/coverage.ts';
import { networkSums } from '../../network/network-sums.ts';
import { networkText } from './text.ts';

/** What kinds of nodes there are. */
export function KindsSection({ nodes }: { readonly nodes: readonly NodeState[] }) {
  const t = useText(networkText);
  const { profiles, tiers } = networkSums(nodes);
  return (
    <section className="part">
      <h2>{t.profiles}</h2>
      <ul className="plain-list">
        {profiles.map(([profile, count]) => (
          <li key={profile}>
            <code>{profile}</code> <span className="soft">{t.nodeCount(count)}</span>
          </li>
        ))}
      </ul>
      <p className="note fine">{t.profilesAbout}</p>
      <h2>{t.tiers}</h2>
      <ul className="plain-list">
        {tiers.map(([tier, count]) => (
          <li key={tier}>
            {t.tier(tier)} <span className="soft">{t.nodeCount(count)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
