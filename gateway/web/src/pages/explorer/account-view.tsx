import type { ChainAccountAnswer, ChainStateAnswer } from '@blyan/api';
import { decodeCanonical } from '@blyan/codec/canonical';
import { Link } from 'wouter';
import { client } from '../../client.ts';
import { useFigures } from '../../figures.ts';
import { DataPage } from '../../frame/data-page.tsx';
import { useText } from '../../language/index.ts';
import { useNetwork } from '../../network/use-network.tsx';
import { useLoaded } from '../../use-loaded.ts';
import { isFields, numberOf, orNull } from './fields.ts';
import { Facts, Hash, Problem } from './parts.tsx';
import { bytesOf } from './proof/bytes.ts';
import { ProofPanel } from './proof-panel.tsx';
import { RecordTable } from './record-table.tsx';
import { SearchBox } from './search-box.tsx';
import { blockPath, nodePath } from './search-target.ts';
import { explorerText } from './text.ts';

const STEPS = ['genesis', 'epochs', 'finality', 'state'] as const;
const MAX_ACCOUNT_BYTES = 4096;

/** One account: its balance, proven, what it signed, and whether it is a node. */
export function AccountView({ address }: { readonly address: string }) {
  const t = useText(explorerText);
  const { data, error } = useLoaded(`account ${address}`, (signal) =>
    Promise.all([
      client.chain.state(`account/${address}`, true, signal),
      client.chain.account(address, signal),
      client.chain.state(`node/${address}`, false, signal),
    ]),
  );
  return (
    <DataPage title={t.account}>
      <SearchBox />
      {error !== null && <Problem error={error} />}
      {data !== null && <Account state={data[0]} account={data[1]} node={data[2]} />}
    </DataPage>
  );
}

interface AccountProps {
  readonly state: ChainStateAnswer;
  readonly account: ChainAccountAnswer;
  readonly node: ChainStateAnswer;
}

function Account({ state, account: { address, nextNonce }, node }: AccountProps) {
  const t = useText(explorerText);
  const { bly, number } = useFigures();
  const peer = useNetwork().state?.nodes.find(({ publicKey }) => publicKey === address);
  const known = orNull(() => accountOf(state.bytes));
  const { balance, nonce } = known ?? { balance: null, nonce: 0 };
  const registeredAt = isFields(node.value) ? numberOf(node.value.height) : null;
  const waiting = nextNonce - nonce;
  return (
    <>
      <section className="card" data-testid="account">
        <Facts
          facts={[
            [t.address, <Hash key="address" hash={address} />],
            [
              t.balance,
              <b key="balance" data-testid="balance">
                {balance === null ? t.unreadable : bly(balance)}
              </b>,
            ],
            [t.accountNonce, `${number(nonce)}${waiting > 0 ? ` · ${t.accountWaiting(number(waiting))}` : ''}`],
            [
              t.isNode,
              registeredAt === null ? null : (
                <span key="node">
                  <Link href={blockPath(registeredAt)}>{t.registered(number(registeredAt))}</Link>
                  {peer && (
                    <>
                      {' · '}
                      <Link href={nodePath(peer.peerId)}>{t.nodePage}</Link>
                    </>
                  )}
                </span>
              ),
            ],
          ]}
        />
        {state.bytes === null && <p className="note">{t.neverNamed}</p>}
      </section>
      <ProofPanel
        proofKey={`account ${address} ${state.proof?.block.height}`}
        check={(verifier, listener, signal) => verifier.state(state, listener, signal)}
        steps={STEPS}
      />
      <section className="part">
        <h2>{t.signedRecords}</h2>
        <RecordTable key={address} of={{ author: address }} />
      </section>
    </>
  );
}

/** From the bytes that are proven: all zeros where the state has none. */
function accountOf(text: string | null): { readonly balance: bigint; readonly nonce: number } {
  if (text === null) return { balance: 0n, nonce: 0 };
  const { balance, nonce } = decodeCanonical(bytesOf(text), { maxBytes: MAX_ACCOUNT_BYTES }) as {
    balance: number | bigint;
    nonce: number;
  };
  return { balance: BigInt(balance), nonce };
}
