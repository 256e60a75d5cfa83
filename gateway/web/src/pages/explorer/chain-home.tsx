import type { ChainHeadAnswer } from '@blyan/api';
import { EPOCH_BLOCKS } from '@blyan/params';
import { useState } from 'react';
import { Link } from 'wouter';
import { client } from '../../client.ts';
import { useFigures } from '../../figures.ts';
import { formatMs } from '../../format.ts';
import { DataPage } from '../../frame/data-page.tsx';
import { useText } from '../../language/index.ts';
import { useLoaded } from '../../use-loaded.ts';
import { Facts, Hash, Problem } from './parts.tsx';
import { publishedModels } from './published-models.ts';
import { SearchBox } from './search-box.tsx';
import { accountPath, blockPath } from './search-target.ts';
import { explorerText } from './text.ts';

const POLL_MS = 3000;
const BLOCKS_AT_ONCE = 15;
const MODEL_KEYS = 200;
/** Records that wait longer than this wait for validators. */
const STUCK_MS = 10_000;

/** The newest block, the blocks before it, and what is published. */
export function ChainHome() {
  const t = useText(explorerText);
  const { data: head, error } = useLoaded('head', (signal) => client.chain.head(signal), POLL_MS);
  return (
    <DataPage title={t.title}>
      <p className="lead">{t.about}</p>
      {head !== null && <SearchBox />}
      {error !== null && <Problem error={error} />}
      {head !== null && <Head head={head} />}
      {head !== null && <Blocks height={head.height} />}
      {head !== null && <Models height={head.height} />}
    </DataPage>
  );
}

function Head({ head }: { readonly head: ChainHeadAnswer }) {
  const t = useText(explorerText);
  const { number, time, ago } = useFigures();
  const { height, hash, epoch, timeMs, validators, validates, pending, waitingMs, evidence } = head;
  const inEpoch = height === 0 ? 0 : ((height - 1) % EPOCH_BLOCKS) + 1;
  return (
    <section className="card">
      <h2>
        {t.head}{' '}
        <Link href={blockPath(height)} data-testid="head">
          {number(height)}
        </Link>{' '}
        <span className="badge good">{t.final}</span>
      </h2>
      {evidence.length > 0 && <p className="note bad">{t.cheated(evidence.length)}</p>}
      {waitingMs > STUCK_MS && <p className="note bad">{t.stuck}</p>}
      <Facts
        facts={[
          [t.hash, <Hash key="hash" hash={hash} />],
          [t.time, height === 0 ? null : `${ago(timeMs, Date.now())} (${time(timeMs)})`],
          [t.epoch, t.epochOf(number(epoch), number(inEpoch), number(EPOCH_BLOCKS))],
          [t.validators, `${number(validators)}${validates ? ` · ${t.validates}` : ''}`],
          [t.pending, pending === 0 ? '0' : t.pendingFor(number(pending), formatMs(waitingMs))],
        ]}
      />
    </section>
  );
}

function Blocks({ height }: { readonly height: number }) {
  const t = useText(explorerText);
  const { number, ago, time } = useFigures();
  const [before, setBefore] = useState<number | null>(null);
  // At the top the list follows the head; further down it stands still.
  const { data, error } = useLoaded(`blocks ${before ?? `head ${height}`}`, (signal) =>
    client.chain.blocks({ limit: BLOCKS_AT_ONCE, ...(before !== null && { before }) }, signal),
  );
  const now = Date.now();
  return (
    <section className="part">
      <h2>{t.blocks}</h2>
      {error !== null && <Problem error={error} />}
      {data !== null && (
        <table className="table" data-testid="blocks">
          <thead>
            <tr>
              <th scope="col">{t.height}</th>
              <th scope="col">{t.time}</th>
              <th scope="col" className="number">
                {t.records}
              </th>
              <th scope="col" className="extra">
                {t.hash}
              </th>
            </tr>
          </thead>
          <tbody>
            {data.data.map((block) => (
              <tr key={block.hash}>
                <th scope="row">
                  <Link href={blockPath(block.height)}>{number(block.height)}</Link>
                </th>
                <td title={block.height === 0 ? '' : time(block.timeMs)}>
                  {block.height === 0 ? t.genesisBlock : ago(block.timeMs, now)}
                </td>
                <td className="number">{number(block.recordCount)}</td>
                <td className="extra">
                  <Hash hash={block.hash} isShort />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <nav className="pager" aria-label={t.blocks}>
        <button type="button" className="quiet" disabled={before === null} onClick={() => setBefore(null)}>
          {t.newest}
        </button>
        <button
          type="button"
          className="quiet"
          disabled={data === null || data.before === null}
          onClick={() => setBefore(data?.before ?? null)}
        >
          {t.older}
        </button>
      </nav>
    </section>
  );
}

function Models({ height }: { readonly height: number }) {
  const t = useText(explorerText);
  const { number } = useFigures();
  const { data, error } = useLoaded(`models ${height}`, (signal) => client.chain.states('model/', MODEL_KEYS, signal));
  if (error !== null) return <Problem error={error} />;
  const models = data === null ? [] : publishedModels(data);
  return (
    <section className="part" data-testid="models">
      <h2>{t.models}</h2>
      {data !== null && models.length === 0 && <p className="note">{t.noModels}</p>}
      {models.map((model) => (
        <article key={model.name} className="card">
          <h3>{model.name}</h3>
          <p className="note">
            {t.parts(number(model.layers), number(model.experts))} · {t.owner}{' '}
            <Hash hash={model.owner} href={accountPath(model.owner)} isShort />
          </p>
          <ul className="model-versions">
            {model.versions.map(({ version, root, height: at }) => (
              <li key={version}>
                <b>{version}</b> {version === model.latest && <span className="badge good">{t.latest}</span>}{' '}
                {at === 0 ? t.publishedAtGenesis : <Link href={blockPath(at)}>{t.publishedIn(number(at))}</Link>} ·{' '}
                {t.root} <Hash hash={root} isShort />
              </li>
            ))}
          </ul>
        </article>
      ))}
    </section>
  );
}
