import type { StateAnswer } from '@blyan/api';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { networkText } from './text.ts';

/** Peers that something is held against and that have no live record. */
export function Outcasts({ outcasts }: { readonly outcasts: StateAnswer['outcasts'] }) {
  const t = useText(networkText);
  const { number } = useFigures();
  if (outcasts.length === 0) return null;
  return (
    <section className="part" data-testid="outcasts">
      <h2>{t.outcasts}</h2>
      <ul className="plain-list">
        {outcasts.map(({ peerId, faults }) => (
          <li key={peerId}>
            <code>{peerId}</code>{' '}
            {faults.refused ? (
              <span className="badge bad">{t.refused}</span>
            ) : (
              <span className="badge wait">{t.points(number(Math.ceil(faults.points)))}</span>
            )}{' '}
            {faults.last && <code className="soft">{faults.last.code}</code>}
          </li>
        ))}
      </ul>
    </section>
  );
}
