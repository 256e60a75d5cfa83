import { PAGE_PATHS, type StateAnswer } from '@blyan/api';
import { useRef } from 'react';
import { Link, useParams } from 'wouter';
import { useFigures } from '../../figures.ts';
import { formatMs, shortPeer } from '../../format.ts';
import { DataPage } from '../../frame/data-page.tsx';
import { useText } from '../../language/index.ts';
import type { NodeState } from '../../network/coverage.ts';
import '../../network/network.css';
import { StandingBadge } from '../../network/standing-badge.tsx';
import { useNetwork } from '../../network/use-network.tsx';
import '../explorer/explorer.css';
import { Facts } from '../explorer/parts.tsx';
import { networkText } from '../network/text.ts';
import { AnswersSection } from './answers-section.tsx';
import { HostedSection } from './hosted-section.tsx';
import { RegistrationSection } from './registration-section.tsx';
import { nodeText } from './text.ts';

/** One node: who it is, what it hosts, how fast it is, and what is known for and against it. */
export function NodePage() {
  const t = useText(nodeText);
  const { peerId = '' } = useParams();
  const { state, problem } = useNetwork();
  const node = state?.nodes.find((one) => one.peerId === peerId);
  const wasHere = useRef<string | null>(null);
  if (node !== undefined) wasHere.current = peerId;
  return (
    <DataPage title={t.named(shortPeer(peerId))}>
      {problem !== null && <Offline />}
      {state === null && problem === null && <p className="note">{t.loading}</p>}
      {state !== null && node === undefined && (
        <Absent peerId={peerId} state={state} hasLeft={wasHere.current === peerId} />
      )}
      {state !== null && node !== undefined && (
        <>
          <Identity node={node} />
          <HostedSection node={node} nodes={state.nodes} models={state.models} />
          <Performance node={node} />
          <Standing node={node} />
          <RegistrationSection publicKey={node.publicKey} />
          <AnswersSection peerId={peerId} />
        </>
      )}
      <p>
        <Link href={PAGE_PATHS.network}>{t.toNetwork}</Link>
      </p>
    </DataPage>
  );
}

function Offline() {
  const t = useText(networkText);
  return (
    <p className="note bad" role="status">
      {t.offline}
    </p>
  );
}

interface AbsentProps {
  readonly peerId: string;
  readonly state: StateAnswer;
  readonly hasLeft: boolean;
}

function Absent({ peerId, state, hasLeft }: AbsentProps) {
  const t = useText(nodeText);
  const { number } = useFigures();
  const outcast = state.outcasts.find((one) => one.peerId === peerId);
  return (
    <div className="empty" role="status" data-testid="absent">
      <p>{hasLeft ? t.left : t.unknown}</p>
      {outcast && (
        <p>
          {t.outcast} {number(Math.ceil(outcast.faults.points))} <code>{outcast.faults.last?.code}</code>
        </p>
      )}
    </div>
  );
}

function Identity({ node }: { readonly node: NodeState }) {
  const t = useText(nodeText);
  const { peerId, publicKey, self, version, addresses, gateway, expiresInMs } = node;
  return (
    <section className="card">
      <h2>
        {t.identity} <StandingBadge node={node} />
      </h2>
      {self && <p className="note">{t.self}</p>}
      <Facts
        facts={[
          [t.peerId, <code key="peer">{peerId}</code>],
          [t.address, <code key="key">{publicKey}</code>],
          [t.software, version],
          [t.gateway, gateway ? t.answersHttp : null],
          [t.addresses, addresses.length === 0 ? null : <Addresses key="at" addresses={addresses} />],
          [t.record, self ? null : formatMs(Math.round(expiresInMs / 1000) * 1000)],
        ]}
      />
    </section>
  );
}

function Addresses({ addresses }: { readonly addresses: readonly string[] }) {
  return (
    <ul>
      {addresses.map((address) => (
        <li key={address}>
          <code>{address}</code>
        </li>
      ))}
    </ul>
  );
}

function Performance({ node }: { readonly node: NodeState }) {
  const t = useText(nodeText);
  const n = useText(networkText);
  const { number, bytes } = useFigures();
  const { tier, profile, self, reachable, rttMs, speed, slowness, active, queued, freeKvBytes, host } = node;
  const us = (microseconds: number) => (microseconds === 0 ? n.notMeasured : formatMs(microseconds / 1000));
  return (
    <section className="card" data-testid="performance">
      <h2>{t.performance}</h2>
      <Facts
        facts={[
          [t.tier, t.tierOf(tier)],
          [t.profile, <code key="profile">{profile}</code>],
          [t.distance, self ? null : !reachable ? n.notConnected : rttMs === null ? n.measuring : formatMs(rttMs)],
          [t.stepSpeed, us(speed.stepUs)],
          [t.expertSpeed, us(speed.expertUs)],
          [t.prefillSpeed, us(speed.prefillRowUs)],
          [t.bandwidth, speed.bandwidthMBps === 0 ? null : t.perSecond(`${number(speed.bandwidthMBps)} MB`)],
          [t.slowness, slowness > 1 ? t.slower(number(slowness, 1)) : t.asSaid],
          [t.load, active + queued === 0 ? n.idle : n.loadOf(number(active), number(queued))],
          [t.memory, bytes(freeKvBytes)],
          [t.host, <code key="host">{host}</code>],
        ]}
      />
    </section>
  );
}

function Standing({ node: { faults } }: { readonly node: NodeState }) {
  const t = useText(nodeText);
  const { number, time } = useFigures();
  return (
    <section className="card" data-testid="standing">
      <h2>{t.standing}</h2>
      <Facts
        facts={[
          [t.faults, faults.points > 0 ? number(Math.ceil(faults.points)) : t.noFaults],
          [
            t.lastFault,
            faults.last && (
              <span key="last">
                <code>{faults.last.code}</code> {time(faults.last.atMs)}
              </span>
            ),
          ],
        ]}
      />
      <p className="note fine">{t.faultsAbout}</p>
    </section>
  );
}
