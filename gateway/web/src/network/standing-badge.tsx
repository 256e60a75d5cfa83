import { useFigures } from '../figures.ts';
import { useText } from '../language/index.ts';
import { networkText } from '../pages/network/text.ts';
import type { NodeState } from './coverage.ts';
import { standingOf } from './node-standing.ts';

const TONES = { good: 'good', slow: 'wait', faulty: 'wait', unreachable: 'soft', unregistered: 'wait', refused: 'bad' };

/** What counts for or against a node, in a word. */
export function StandingBadge({ node }: { readonly node: NodeState }) {
  const t = useText(networkText);
  const { number } = useFigures();
  const standing = standingOf(node);
  const text = {
    good: t.good,
    slow: t.slow(number(node.slowness, 1)),
    faulty: t.faulty(number(Math.ceil(node.faults.points))),
    unreachable: t.unreachable,
    unregistered: t.unregistered,
    refused: t.refused,
  }[standing];
  return (
    <span className={`badge ${TONES[standing]}`} title={node.faults.last?.code}>
      {text}
    </span>
  );
}
