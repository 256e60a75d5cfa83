import type { ChainBlock } from '@blyan/api';
import { type BlockHeader, decodeHeader } from '@blyan/chain-format';
import { Link } from 'wouter';
import { client } from '../../client.ts';
import { useFigures } from '../../figures.ts';
import { DataPage } from '../../frame/data-page.tsx';
import { useText } from '../../language/index.ts';
import { useLoaded } from '../../use-loaded.ts';
import { orNull } from './fields.ts';
import { Facts, Hash, Problem } from './parts.tsx';
import { bytesOf } from './proof/bytes.ts';
import { ProofPanel } from './proof-panel.tsx';
import { RecordTable } from './record-table.tsx';
import { SearchBox } from './search-box.tsx';
import { blockPath } from './search-target.ts';
import { explorerText } from './text.ts';

const STEPS = ['genesis', 'epochs', 'finality', 'records'] as const;

/** One block: what its header says, its records, and who signed it. */
export function BlockView({ id }: { readonly id: string }) {
  const t = useText(explorerText);
  const { data: block, error } = useLoaded(`block ${id}`, (signal) => client.chain.block(id, signal));
  return (
    <DataPage title={block?.height === 0 ? t.genesisBlock : t.block(block ? String(block.height) : id)}>
      <SearchBox />
      {error !== null && <Problem error={error} />}
      {block !== null && <Block block={block} />}
    </DataPage>
  );
}

function Block({ block }: { readonly block: ChainBlock }) {
  const t = useText(explorerText);
  // From the bytes that are proven, not from what the node says of them.
  const header = orNull(() => decodeHeader(bytesOf(block.header)));
  return (
    <>
      {header === null ? <p className="note bad">{t.unreadable}</p> : <Header hash={block.hash} header={header} />}
      <ProofPanel
        proofKey={`block ${block.hash}`}
        check={(verifier, listener, signal) => verifier.block(block, listener, signal)}
        steps={STEPS}
      />
      <section className="part">
        <h2>{t.records}</h2>
        <RecordTable key={block.height} of={{ block: block.height }} />
      </section>
    </>
  );
}

function Header({ hash, header }: { readonly hash: string; readonly header: BlockHeader }) {
  const t = useText(explorerText);
  const { number, time } = useFigures();
  const { height, epoch, view, proposer, parent, timeMs } = header;
  return (
    <>
      <nav className="pager" aria-label={t.blocks}>
        {height > 0 && <Link href={blockPath(height - 1)}>← {t.previousBlock}</Link>}
        <Link href={blockPath(height + 1)}>{t.nextBlock} →</Link>
      </nav>
      <section className="card">
        <Facts
          facts={[
            [t.hash, <Hash key="hash" hash={hash} />],
            [
              t.status,
              <span key="status" className="badge good">
                {t.final}
              </span>,
            ],
            [t.time, height === 0 ? null : time(timeMs)],
            [t.records, number(header.recordCount)],
            [t.epoch, number(epoch)],
            [t.view, height === 0 ? null : number(view)],
            [t.proposer, height === 0 ? null : t.proposerIs(proposer)],
            [t.parent, height === 0 ? null : <Hash key="parent" hash={parent} href={blockPath(height - 1)} />],
            [t.stateRoot, <Hash key="state" hash={header.stateRoot} />],
            [t.recordsRoot, <Hash key="records" hash={header.recordsRoot} />],
            [t.validatorSet, <Hash key="set" hash={header.validatorsHash} />],
          ]}
        />
      </section>
    </>
  );
}
