import type { BlyanChunk, ModelObject } from '@blyan/api';
import { useText } from '../../language/index.ts';
import { useNetwork } from '../../network/use-network.tsx';
import { reportText } from './report-text.ts';

interface VerificationProps {
  readonly report: BlyanChunk;
  /** Undefined when it is not served here any more. */
  readonly model: ModelObject | undefined;
}

/** What of an answer was checked, by whom, and what was not. */
export function Verification({ report: { profile, route = [] }, model }: VerificationProps) {
  const t = useText(reportText);
  const { state } = useNetwork();
  const peers = new Set(route.map(({ peerId }) => peerId));
  const nodes = state?.nodes.filter(({ peerId }) => peers.has(peerId)) ?? [];
  const unregistered = nodes.filter(({ registered }) => registered === false).length;
  const isOnChain = nodes.length > 0 && nodes.every(({ registered }) => registered !== undefined);
  const faulty = nodes.filter(({ faults }) => faults.points > 0).length;
  return (
    <section data-testid="verification">
      <h3>{t.verification}</h3>
      <ul className="points">
        <li>{t.weights}</li>
        {profile && <li>{t.profile(profile)}</li>}
        {isOnChain && <li>{unregistered === 0 ? t.registered : t.unregistered(unregistered)}</li>}
        {faulty > 0 && <li>{t.faulty(faulty)}</li>}
        <li>{t.notAudited}</li>
      </ul>
      {model && (
        <p className="note fine">
          {t.root} <code>{model.blyan.root}</code>
        </p>
      )}
    </section>
  );
}
