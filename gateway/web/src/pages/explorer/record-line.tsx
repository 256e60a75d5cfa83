import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { Hash } from './parts.tsx';
import { type ReadableRecord, readRecord } from './record-sense.ts';
import { accountPath } from './search-target.ts';
import { explorerText } from './text.ts';

interface RecordLineProps {
  readonly fields: unknown;
  readonly sizeBytes: number | null;
}

/** A record in one sentence. */
export function RecordLine({ fields, sizeBytes }: RecordLineProps) {
  const t = useText(explorerText);
  const { bly, bytes } = useFigures();
  const record = readRecord(fields);
  if (sizeBytes === null) return <span className="soft">{t.pruned}</span>;
  if (record === null || (record.sense.type === 'other' && isKnown(record))) return <>{t.large(bytes(sizeBytes))}</>;
  const { sense } = record;
  if (sense.type === 'transfer') {
    return (
      <>
        {t.transferTo(bly(sense.amount))} <Hash hash={sense.to} href={accountPath(sense.to)} isShort />
      </>
    );
  }
  if (sense.type === 'node') return <>{t.nodeClaims(sense.tier, bytes(sense.memoryBytes))}</>;
  if (sense.type === 'model') return <>{t.modelVersion(sense.name, sense.version)}</>;
  if (sense.type === 'expert') return <>{t.expertChange(sense.model, sense.layer, sense.expert)}</>;
  return <>{t.otherType}</>;
}

const TYPES = ['transfer', 'node', 'model', 'expert'] as const;
type KnownType = (typeof TYPES)[number];
const isKnown = ({ type }: ReadableRecord) => TYPES.some((known) => known === type);

/** What the type is called, or the record's own word for one that this page does not know. */
export function RecordType({ type }: { readonly type: string }) {
  const t = useText(explorerText);
  return <span className="badge">{TYPES.some((known) => known === type) ? t[type as KnownType] : type}</span>;
}
