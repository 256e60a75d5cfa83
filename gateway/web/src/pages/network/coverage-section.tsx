import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { type Coverage, coverageOf, type ModelState, type NodeState } from '../../network/coverage.ts';
import { CoverageMap } from '../../network/coverage-map.tsx';
import { networkText } from './text.ts';

const NAMED_GAPS = 12;

interface CoverageSectionProps {
  readonly model: ModelState;
  readonly nodes: readonly NodeState[];
}

/** Which parts of a model are hosted how often. */
export function CoverageSection({ model, nodes }: CoverageSectionProps) {
  const t = useText(networkText);
  const { number } = useFigures();
  const coverage = coverageOf(nodes, model);
  const { missing, blocks } = model;
  const legend = [
    ['hollow', t.legendNone],
    ['held-1', t.legend1],
    ['held-2', t.legend2],
    ['held-3', t.legend3],
  ] as const;
  return (
    <section className="part" data-testid="coverage">
      <h2>
        {t.coverage}: {model.name}
      </h2>
      <p className={missing.length > 0 ? 'note bad' : 'note'}>
        {missing.length === 0
          ? t.covered(number(blocks))
          : `${t.missing(number(missing.length), number(blocks))} ${missing.slice(0, NAMED_GAPS).join(', ')} ${
              missing.length > NAMED_GAPS ? t.andMore(number(missing.length - NAMED_GAPS)) : ''
            }`}
      </p>
      <CoverageMap
        coverage={coverage}
        texts={{
          label: t.mapLabel(coverage.layers.length, coverage.expertCount),
          ...{ trunk: t.trunk, experts: t.experts, partOf: t.partOf },
        }}
      />
      <ul className="legend">
        {legend.map(([shade, text]) => (
          <li key={shade}>
            <span className={`swatch ${shade}`} aria-hidden="true" />
            {text}
          </li>
        ))}
      </ul>
      <details>
        <summary>{t.asTable}</summary>
        <CoverageTable coverage={coverage} />
      </details>
    </section>
  );
}

function CoverageTable({ coverage: { layers, embedding, head } }: { readonly coverage: Coverage }) {
  const t = useText(networkText);
  return (
    <>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t.layer}</th>
            <th scope="col" className="number">
              {t.trunkNodes}
            </th>
            <th scope="col" className="number">
              {t.expertNodes}
            </th>
          </tr>
        </thead>
        <tbody>
          {layers.map(({ layer, trunk, experts }) => {
            const counts = experts.map((holders) => holders.length);
            return (
              <tr key={layer}>
                <th scope="row">{layer}</th>
                <td className="number">{trunk.length}</td>
                <td className="number">
                  {counts.length === 0 ? '–' : t.range(Math.min(...counts), Math.max(...counts))}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="note">{t.ends(embedding.length, head.length)}</p>
    </>
  );
}
