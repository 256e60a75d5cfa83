import type { BlyanChunk, BlyanFailover, BlyanRouteEntry, Usage } from '@blyan/api';
import { expertRanges, formatMs, plural, shortPeer, tokensPerSecond } from '../../format.ts';
import { peerClass } from '../../network/peer-colour.ts';

interface AnswerReportProps {
  readonly report: BlyanChunk;
  readonly usage: Usage | undefined;
}

/** How the answer was computed: plan, speed beside its forecast, and which node did what. */
export function AnswerReport({ report, usage }: AnswerReportProps) {
  const { plan, measured, forecast, route, failovers, speculation } = report;
  const speed = measured && tokensPerSecond(measured.msPerToken);
  const forecastSpeed = forecast && tokensPerSecond(forecast.msPerToken);
  return (
    <footer className="report">
      <ul className="figures">
        <li>
          <b data-testid="answer-plan">{plan}</b>
        </li>
        {speed && (
          <li>
            <b data-testid="speed">{speed}</b> tokens/s{forecastSpeed && <span> · forecast {forecastSpeed}</span>}
          </li>
        )}
        {measured && (
          <li>
            <b data-testid="first-token">{formatMs(measured.msToFirstToken)}</b> to first token
          </li>
        )}
        {usage && <li>{plural(usage.completion_tokens, 'token')}</li>}
        {speculation && speculation.drafted > 0 && (
          <li>
            {speculation.accepted} of {plural(speculation.drafted, 'draft')} stood
          </li>
        )}
      </ul>
      {failovers && failovers.length > 0 && <Failovers failovers={failovers} />}
      {route && route.length > 0 && <Route route={route} />}
    </footer>
  );
}

const REASONS: Record<BlyanFailover['reason'], string> = {
  gone: 'was gone',
  silent: 'fell silent',
  slow: 'was too slow',
  garbage: 'sent garbage',
  error: 'failed',
};

/** Nodes that were lost in mid-answer, which went on without them. */
function Failovers({ failovers }: { readonly failovers: readonly BlyanFailover[] }) {
  return (
    <ul className="failovers" data-testid="failovers">
      {failovers.map(({ peerId, atToken, gapMs, reason }) => (
        <li key={`${peerId} ${atToken}`} title={peerId}>
          <span className={`dot ${peerClass(peerId)}`} aria-hidden="true" />
          {shortPeer(peerId)} {REASONS[reason]} at token {atToken + 1}; replaced in {formatMs(gapMs)}
        </li>
      ))}
    </ul>
  );
}

function Route({ route }: { readonly route: readonly BlyanRouteEntry[] }) {
  const nodes = new Set(route.map(({ peerId }) => peerId)).size;
  return (
    <details className="route" data-testid="route" open>
      <summary>{plural(nodes, 'node')} answered</summary>
      <Shares route={route} />
      <table>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Part</th>
            <th scope="col" className="number">
              Calls
            </th>
            <th scope="col" className="number">
              Time
            </th>
          </tr>
        </thead>
        <tbody>
          {route.map((entry) => (
            <tr key={`${entry.peerId} ${entry.role}`} data-testid="route-entry" data-peer={entry.peerId}>
              <th scope="row" title={entry.peerId}>
                <span className={`dot ${peerClass(entry.peerId)}`} aria-hidden="true" />
                {shortPeer(entry.peerId)}
              </th>
              <td title={entry.experts?.join(' ')}>{partOf(entry)}</td>
              <td className="number">{entry.calls}</td>
              <td className="number">{formatMs(entry.ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function partOf({ role, layers, experts }: BlyanRouteEntry): string {
  const names = { stage: 'stage', experts: 'experts', delegate: 'whole answer' };
  const where = [layers && `layers ${layers}`, experts && experts.length > 0 && `experts ${expertRanges(experts)}`];
  const known = where.filter(Boolean).join(', ');
  if (role === 'experts' && known !== '') return known;
  return known === '' ? names[role] : `${names[role]}, ${known}`;
}

/** One bar, divided by computing time. The table says the same in numbers. */
function Shares({ route }: { readonly route: readonly BlyanRouteEntry[] }) {
  const total = route.reduce((sum, { ms }) => sum + ms, 0);
  if (total === 0) return null;
  let x = 0;
  return (
    <svg className="shares" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      {route.map(({ peerId, role, ms }) => {
        const width = (100 * ms) / total;
        x += width;
        return <rect key={`${peerId} ${role}`} className={peerClass(peerId)} x={x - width} width={width} height="1" />;
      })}
    </svg>
  );
}
