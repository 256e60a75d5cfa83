import { type BlyanChunk, type BlyanFailover, formatUnits } from '@blyan/api';
import type { ReactNode } from 'react';
import { formatMs, shortPeer, tokensPerSecond } from '../../format.ts';
import { Drawer } from '../../frame/drawer.tsx';
import { useText } from '../../language/index.ts';
import { peerClass } from '../../network/peer-colour.ts';
import { useNetwork } from '../../network/use-network.tsx';
import type { Answer } from './conversation.ts';
import { reportText } from './report-text.ts';
import { RouteShares } from './route-shares.tsx';
import { RouteTable } from './route-table.tsx';
import { Verification } from './verification.tsx';

interface RouteDrawerProps {
  readonly report: BlyanChunk;
  readonly answer: Answer;
  readonly onClose: () => void;
}

/** How an answer was computed: plan, figures beside their forecast, which node did what, who was lost, what was checked. */
export function RouteDrawer({ report, answer, onClose }: RouteDrawerProps) {
  const t = useText(reportText);
  const { route = [], failovers } = report;
  return (
    <Drawer title={t.title} closeText={t.close} side="right" testId="route" onClose={onClose}>
      <Figures report={report} answer={answer} />
      <section>
        <h3>{t.nodes}</h3>
        <RouteShares route={route} />
        <RouteTable route={route} />
        <p className="note fine">{t.shares}</p>
      </section>
      <section>
        <h3>{t.failovers}</h3>
        {failovers === undefined || failovers.length === 0 ? (
          <p className="note">{t.noFailovers}</p>
        ) : (
          <Failovers failovers={failovers} />
        )}
      </section>
      <Verification report={report} model={useModel(answer.settings.model)} />
    </Drawer>
  );
}

function useModel(id: string) {
  return useNetwork().models.find((model) => model.id === id);
}

function Figures({ report, answer: { usage } }: { readonly report: BlyanChunk; readonly answer: Answer }) {
  const t = useText(reportText);
  const { plan, measured, forecast, speculation, cost } = report;
  const speed = measured && tokensPerSecond(measured.msPerToken);
  const expected = forecast && tokensPerSecond(forecast.msPerToken);
  return (
    <dl className="answer-facts">
      <Fact name={t.plan}>{plan}</Fact>
      {speed && (
        <Fact name={t.speed} aside={expected && t.forecast(expected)}>
          {t.perSecond(speed)}
        </Fact>
      )}
      {measured && (
        <Fact name={t.firstToken} aside={forecast && t.forecast(formatMs(forecast.msToFirstToken))}>
          {formatMs(measured.msToFirstToken)}
        </Fact>
      )}
      {usage && <Fact name={t.tokens}>{t.inAndOut(usage.prompt_tokens, usage.completion_tokens)}</Fact>}
      {cost && <Fact name={t.cost}>{t.credits(formatUnits(cost.amount))}</Fact>}
      {speculation && speculation.drafted > 0 && (
        <Fact name={t.drafts}>{t.stood(speculation.accepted, speculation.drafted)}</Fact>
      )}
    </dl>
  );
}

interface FactProps {
  readonly name: string;
  readonly aside?: string | null | undefined;
  readonly children: ReactNode;
}

function Fact({ name, aside, children }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children} {aside && <span className="note fine">{aside}</span>}
      </dd>
    </div>
  );
}

/** Nodes that were lost in mid-answer, which went on without them. */
function Failovers({ failovers }: { readonly failovers: readonly BlyanFailover[] }) {
  const t = useText(reportText);
  const how = { gone: t.wasGone, silent: t.wasSilent, slow: t.wasSlow, garbage: t.wasGarbage, error: t.wasError };
  return (
    <ul className="failovers" data-testid="failovers">
      {failovers.map(({ peerId, atToken, gapMs, reason }) => (
        <li key={`${peerId} ${atToken}`}>
          <span className={`dot ${peerClass(peerId)}`} aria-hidden="true" />
          <code title={peerId}>{shortPeer(peerId)}</code> {t.lost(how[reason], atToken + 1, formatMs(gapMs))}
        </li>
      ))}
    </ul>
  );
}
