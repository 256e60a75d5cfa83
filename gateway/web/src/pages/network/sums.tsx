import type { StateAnswer } from '@blyan/api';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { coverageOf } from '../../network/coverage.ts';
import { networkSums } from '../../network/network-sums.ts';
import { networkText } from './text.ts';

/** What all nodes are together. */
export function Sums({ state: { nodes, models, outcasts } }: { readonly state: StateAnswer }) {
  const t = useText(networkText);
  const { number, bytes } = useFigures();
  const sums = networkSums(nodes);
  const [model] = models;
  const coverage = model && coverageOf(nodes, model);
  const held = sums.faulty + outcasts.length;
  const refused = sums.refused + outcasts.filter(({ faults }) => faults.refused).length;
  const figures = [
    [t.nodes, number(sums.nodes), t.reachable(number(sums.reachable))],
    ...(coverage === undefined
      ? []
      : [
          [
            t.weakest,
            coverage.least === 0 ? t.weakestNever : t.weakestTimes(coverage.least),
            t.weakestParts(number(coverage.weakest)),
          ] as const,
        ]),
    [t.computing, number(sums.active), t.queued(number(sums.queued))],
    [t.memory, bytes(sums.freeKvBytes), null],
    [t.gateways, number(sums.gateways), null],
    [t.standing, number(held), held > 0 ? t.refusedCount(number(refused)) : null],
  ] as const;
  return (
    <section aria-label={t.sums} data-testid="sums">
      <dl className="figures-row">
        {figures.map(([name, value, more]) => (
          <div className="figure" key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
            {more !== null && <dd className="more">{more}</dd>}
          </div>
        ))}
      </dl>
    </section>
  );
}
