import type { RecordList } from '@blyan/api';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { client } from '../../client.ts';
import { useText } from '../../language/index.ts';
import { Hash, Problem } from './parts.tsx';
import { RecordLine, RecordType } from './record-line.tsx';
import { readRecord } from './record-sense.ts';
import { accountPath, blockPath, recordPath } from './search-target.ts';
import { explorerText } from './text.ts';

const AT_ONCE = 20;

interface RecordTableProps {
  /** Whose records, or those of which block. */
  readonly of: { readonly author: string } | { readonly block: number };
}

/** Records of a block or of an account, some at once. */
export function RecordTable({ of }: RecordTableProps) {
  const t = useText(explorerText);
  const { records, next, error, more } = useRecords(of);
  if (error !== null) return <Problem error={error} />;
  if (records === null) return <p className="note">{t.loading}</p>;
  if (records.length === 0) return <p className="note">{t.noRecords}</p>;
  const ofBlock = 'block' in of;
  return (
    <>
      <table className="table stacked" data-testid="records">
        <thead>
          <tr>
            <th scope="col">{t.record}</th>
            <th scope="col">{t.type}</th>
            <th scope="col">{t.contains}</th>
            <th scope="col">{ofBlock ? t.author : t.place}</th>
          </tr>
        </thead>
        <tbody>
          {records.map(({ hash, place, fields, sizeBytes }) => {
            const record = readRecord(fields);
            return (
              <tr key={hash}>
                <th scope="row">
                  <Hash hash={hash} href={recordPath(hash)} isShort />
                </th>
                <td>{record && <RecordType type={record.type} />}</td>
                <td>
                  <RecordLine fields={fields} sizeBytes={sizeBytes} />
                </td>
                <td>
                  {ofBlock ? (
                    record && <Hash hash={record.author} href={accountPath(record.author)} isShort />
                  ) : (
                    <Link href={blockPath(place.height)}>{t.block(String(place.height))}</Link>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {next !== null && (
        <button type="button" className="quiet" onClick={more}>
          {t.more}
        </button>
      )}
    </>
  );
}

interface Records {
  readonly records: RecordList['data'] | null;
  readonly next: string | null;
  readonly error: Error | null;
}

const NONE: Records = { records: null, next: null, error: null };

function useRecords(of: RecordTableProps['of']): Records & { readonly more: () => void } {
  const key = JSON.stringify(of);
  const [asked, setAsked] = useState<{ readonly key: string; readonly from: string | null }>({ key, from: null });
  const [found, setFound] = useState(NONE);
  const from = asked.key === key ? asked.from : null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says whose records
  useEffect(() => {
    const stopped = new AbortController();
    const range = { limit: AT_ONCE, ...(from !== null && { next: from }) };
    client.chain.records(of, range, stopped.signal).then(
      ({ data, next }) => {
        if (stopped.signal.aborted) return;
        setFound((last) => ({ records: from === null ? data : [...(last.records ?? []), ...data], next, error: null }));
      },
      (error: Error) => {
        if (!stopped.signal.aborted) setFound((last) => ({ ...last, error }));
      },
    );
    return () => stopped.abort();
  }, [key, from]);
  return { ...found, more: () => setAsked({ key, from: found.next }) };
}
