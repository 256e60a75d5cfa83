import type { ChainRecordAnswer } from '@blyan/api';
import { decodeRecord, nobleSuite, readable } from '@blyan/chain-format';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { client } from '../../client.ts';
import { type Figures, useFigures } from '../../figures.ts';
import { DataPage } from '../../frame/data-page.tsx';
import { useText } from '../../language/index.ts';
import { useLoaded } from '../../use-loaded.ts';
import { orNull } from './fields.ts';
import { Facts, Hash, Problem } from './parts.tsx';
import { bytesOf } from './proof/bytes.ts';
import { ProofPanel } from './proof-panel.tsx';
import { RecordLine, RecordType } from './record-line.tsx';
import { type RecordSense, readRecord } from './record-sense.ts';
import { SearchBox } from './search-box.tsx';
import { accountPath, blockPath, recordPath } from './search-target.ts';
import { explorerText } from './text.ts';

const STEPS = ['genesis', 'epochs', 'finality', 'record', 'author'] as const;
const POLL_MS = 3000;
/** More of it would stall the page. */
const RAW_LENGTH = 200_000;

/** One record: what it does, where it stands, and that its author signed it. */
export function RecordView({ hash }: { readonly hash: string }) {
  const t = useText(explorerText);
  // Asked again: a record that waits becomes final, or is dropped.
  const { data: record, error } = useLoaded(`record ${hash}`, (signal) => client.chain.record(hash, signal), POLL_MS);
  return (
    <DataPage title={t.record}>
      <SearchBox />
      {error !== null && <Problem error={error} />}
      {record !== null && <Record answer={record} />}
    </DataPage>
  );
}

function Record({ answer }: { readonly answer: ChainRecordAnswer }) {
  const t = useText(explorerText);
  const figures = useFigures();
  const { hash, place, bytes: text } = answer;
  const isPruned = text === null;
  const bytes = text === null ? null : orNull(() => bytesOf(text));
  // From the bytes that are proven, not from what the node says of them.
  const fields = bytes && orNull(() => readable({ ...decodeRecord(bytes, nobleSuite).record }));
  const record = readRecord(fields);
  return (
    <>
      <section className="card" data-testid="record">
        <h2>
          {record && <RecordType type={record.type} />}{' '}
          {isPruned || fields !== null ? (
            <RecordLine fields={fields} sizeBytes={bytes?.length ?? null} />
          ) : (
            t.unreadable
          )}
        </h2>
        <Facts
          facts={[
            [t.hash, <Hash key="hash" hash={hash} />],
            [
              t.status,
              <span key="status" className={`badge ${place ? 'good' : 'wait'}`} data-testid="status">
                {place ? t.final : t.waiting}
              </span>,
            ],
            [t.place, place && <Place key="place" place={place} />],
            [t.author, record && <Hash key="author" hash={record.author} href={accountPath(record.author)} />],
            ...(record === null ? [] : factsOf(record.sense, t, figures)),
            [t.nonce, record && figures.number(record.nonce)],
            [t.fee, record && (record.fee === 0n ? t.noFee : figures.bly(record.fee))],
            [t.size, bytes && figures.bytes(bytes.length)],
            [t.dependsOn, record && record.dependsOn.length > 0 ? <Hashes key="on" hashes={record.dependsOn} /> : null],
          ]}
        />
        {fields !== null && (
          <details className="raw">
            <summary>{t.raw}</summary>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
            <pre tabIndex={0}>{JSON.stringify(fields, null, 2).slice(0, RAW_LENGTH)}</pre>
          </details>
        )}
      </section>
      <ProofPanel
        proofKey={`record ${hash} ${place?.height}`}
        check={(verifier, listener, signal) => verifier.record(answer, listener, signal)}
        steps={isPruned ? STEPS.slice(0, -1) : STEPS}
      />
    </>
  );
}

function Place({ place: { height, index } }: { readonly place: { readonly height: number; readonly index: number } }) {
  const t = useText(explorerText);
  const { number } = useFigures();
  return (
    <>
      {t.placeIn(number(index + 1))} <Link href={blockPath(height)}>{t.block(number(height))}</Link>
    </>
  );
}

function Hashes({ hashes }: { readonly hashes: readonly string[] }) {
  return (
    <ul>
      {hashes.map((hash) => (
        <li key={hash}>
          <Hash hash={hash} href={recordPath(hash)} />
        </li>
      ))}
    </ul>
  );
}

/** What this type of record says, by name. */
function factsOf(
  sense: RecordSense,
  t: (typeof explorerText)['en'],
  { number, bly, bytes }: Figures,
): (readonly [string, ReactNode])[] {
  if (sense.type === 'transfer') {
    return [
      [t.amount, bly(sense.amount)],
      [t.receiver, <Hash key="to" hash={sense.to} href={accountPath(sense.to)} />],
    ];
  }
  if (sense.type === 'node') {
    const { name, tier, profile, memoryBytes, addresses } = sense;
    return [
      [t.name, name === '' ? null : name],
      [t.tier, number(tier)],
      [t.profile, profile],
      [t.memory, bytes(memoryBytes)],
      [t.addresses, addresses.length === 0 ? null : addresses.join(', ')],
    ];
  }
  if (sense.type === 'model') {
    const { name, version, root, layers, experts } = sense;
    return [
      [t.model, name],
      [t.version, version],
      [t.root, <Hash key="root" hash={root} />],
      [t.contains, t.parts(number(layers), number(experts))],
    ];
  }
  if (sense.type === 'expert') {
    const { model, layer, expert, slices, round } = sense;
    return [
      [t.model, model],
      [t.expert, `${layer}.${expert}`],
      [t.slices, number(slices)],
      [t.round, t.roundIs(round)],
    ];
  }
  return [];
}
