import { useFigures } from '../../figures.ts';
import { expertRanges, ranges } from '../../format.ts';
import { useText } from '../../language/index.ts';
import { coverageOf, type ModelState, type NodeState } from '../../network/coverage.ts';
import { CoverageMap } from '../../network/coverage-map.tsx';
import { Facts } from '../explorer/parts.tsx';
import { nodeText } from './text.ts';

interface HostedSectionProps {
  readonly node: NodeState;
  readonly nodes: readonly NodeState[];
  readonly models: readonly ModelState[];
}

/** Which parts of a model the node hosts, and how many others have them too. */
export function HostedSection({ node: { peerId, hosted }, nodes, models }: HostedSectionProps) {
  const t = useText(nodeText);
  const { number } = useFigures();
  const model = models.find(({ root }) => root === hosted.root);
  const ends = [hosted.embedding && t.embedding, hosted.head && t.head].filter((end) => end !== false);
  if (model === undefined || hosted.blocks === 0) {
    return (
      <section className="part">
        <h2>{t.hosts}</h2>
        <p className="note">{t.hostsNothing}</p>
      </section>
    );
  }
  const coverage = coverageOf(nodes, model);
  return (
    <section className="part" data-testid="hosted">
      <h2>{t.hosts}</h2>
      <p className="note">{t.model(model.name, number(hosted.blocks), number(model.blocks))}</p>
      <CoverageMap
        coverage={coverage}
        only={peerId}
        texts={{
          label: t.mapLabel(coverage.layers.length, coverage.expertCount),
          ...{ trunk: t.trunk, experts: t.experts, partOf: t.partOf },
        }}
      />
      <ul className="legend">
        <li>
          <span className="swatch held-3" aria-hidden="true" />
          {t.legendOwn}
        </li>
        <li>
          <span className="swatch elsewhere" aria-hidden="true" />
          {t.legendOther}
        </li>
      </ul>
      <Facts
        facts={[
          [t.ends, ends.length === 0 ? null : ends.join(', ')],
          [t.trunks, hosted.layers.length === 0 ? null : ranges(hosted.layers)],
          [t.expertList, hosted.experts.length === 0 ? null : expertRanges(hosted.experts)],
        ]}
      />
    </section>
  );
}
