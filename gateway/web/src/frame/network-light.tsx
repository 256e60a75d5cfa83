import { useText } from '../language/index.ts';
import { type Network, useNetwork } from '../network/use-network.tsx';
import { frameText } from './text.ts';

/** Whether the gateway answers, and how many nodes it knows. */
export function NetworkLight() {
  const t = useText(frameText);
  const [tone, text] = lightOf(useNetwork(), t);
  return (
    <span className="status" data-testid="network-light">
      <span className={`light ${tone}`} aria-hidden="true" />
      {text}
    </span>
  );
}

function lightOf({ state, problem }: Network, t: (typeof frameText)['en']): readonly ['good' | 'wait' | 'bad', string] {
  if (problem !== null) return ['bad', t.offline];
  if (state === null) return ['wait', t.connecting];
  const count = state.nodes.length;
  return state.notReady === null ? ['good', t.nodes(count)] : ['wait', t.incomplete(count)];
}
