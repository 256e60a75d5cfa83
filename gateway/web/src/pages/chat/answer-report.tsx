import { type BlyanChunk, formatUnits } from '@blyan/api';
import { useState } from 'react';
import { formatMs, tokensPerSecond } from '../../format.ts';
import { useText } from '../../language/index.ts';
import { peerClass } from '../../network/peer-colour.ts';
import type { Answer } from './conversation.ts';
import { RouteDrawer } from './route-drawer.tsx';
import { RouteShares } from './route-shares.tsx';
import { chatText } from './text.ts';

interface AnswerReportProps {
  readonly answer: Answer;
  readonly report: BlyanChunk;
}

/** The figures of an answer in one line; the drawer behind it says how it was computed. */
export function AnswerReport({ answer, report }: AnswerReportProps) {
  const t = useText(chatText);
  const [isOpen, setOpen] = useState(false);
  const { plan, measured, route, failovers, cost } = report;
  const { usage, settings } = answer;
  const speed = measured && tokensPerSecond(measured.msPerToken);
  const peers = [...new Set(route?.map(({ peerId }) => peerId))];
  return (
    <div className="report">
      {route && <RouteShares route={route} />}
      <ul className="figures">
        {route && (
          <li>
            <button type="button" className="act by-nodes" data-testid="route-toggle" onClick={() => setOpen(true)}>
              {peers.map((peerId) => (
                <span key={peerId} className={`dot ${peerClass(peerId)}`} aria-hidden="true" />
              ))}
              {t.answeredBy(peers.length)}
              {failovers && failovers.length > 0 && ` · ${t.replaced(failovers.length)}`}
            </button>
          </li>
        )}
        <li data-testid="answer-plan">{plan}</li>
        {speed && (
          <li>
            <b data-testid="speed">{speed}</b> {t.perSecond}
          </li>
        )}
        {measured && <li data-testid="first-token">{t.toFirst(formatMs(measured.msToFirstToken))}</li>}
        {usage && <li>{t.tokens(usage.completion_tokens)}</li>}
        {cost && <li data-testid="cost">{t.credits(formatUnits(cost.amount))}</li>}
        {settings.temperature > 0 && <li>{t.atTemperature(settings.temperature)}</li>}
      </ul>
      {isOpen && <RouteDrawer report={report} answer={answer} onClose={() => setOpen(false)} />}
    </div>
  );
}
