import { ApiClientError, type ChainStateAnswer } from '@blyan/api';
import { readable } from '@blyan/chain-format';
import { decodeCanonical } from '@blyan/codec/canonical';
import { Link } from 'wouter';
import { client } from '../../client.ts';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { useLoaded } from '../../use-loaded.ts';
import { isFields, numberOf, orNull } from '../explorer/fields.ts';
import { Facts } from '../explorer/parts.tsx';
import { bytesOf } from '../explorer/proof/bytes.ts';
import { ProofPanel } from '../explorer/proof-panel.tsx';
import { claimsOf } from '../explorer/record-sense.ts';
import { accountPath, blockPath } from '../explorer/search-target.ts';
import { nodeText } from './text.ts';

const STEPS = ['genesis', 'epochs', 'finality', 'state'] as const;
/** Claims have at most 16 addresses of 256 letters. */
const MAX_REGISTRATION_BYTES = 16_384;

/** What the chain has of the node, or that it has nothing, proven in the page. */
export function RegistrationSection({ publicKey }: { readonly publicKey: string }) {
  const t = useText(nodeText);
  const { data, error } = useLoaded(`node ${publicKey}`, (signal) =>
    client.chain.state(`node/${publicKey}`, true, signal),
  );
  return (
    <section className="part" data-testid="registration">
      <h2>{t.registration}</h2>
      {error !== null && <p className="note">{whyNot(error, t)}</p>}
      {data !== null && <Registration state={data} publicKey={publicKey} />}
    </section>
  );
}

function whyNot(error: Error, t: (typeof nodeText)['en']): string {
  const code = error instanceof ApiClientError ? String(error.meta.serverCode ?? error.code) : error.message;
  return code === 'ERR_GATEWAY_CHAIN_MISSING' ? t.noChain : t.chainFailed(code);
}

interface RegistrationProps {
  readonly state: ChainStateAnswer;
  readonly publicKey: string;
}

function Registration({ state, publicKey }: RegistrationProps) {
  const t = useText(nodeText);
  const { number, bytes } = useFigures();
  // From the bytes that are proven, not from what the gateway says of them.
  const { bytes: text } = state;
  const value =
    text === null ? null : orNull(() => readable(decodeCanonical(bytesOf(text), { maxBytes: MAX_REGISTRATION_BYTES })));
  const claims = isFields(value) ? claimsOf(value.claims) : null;
  const height = isFields(value) ? numberOf(value.height) : 0;
  return (
    <>
      {claims === null ? (
        <p className="note bad">{t.notRegistered}</p>
      ) : (
        <Facts
          facts={[
            [
              t.registration,
              <Link key="block" href={blockPath(height)}>
                {t.registered(number(height))}
              </Link>,
            ],
            [t.name, claims.name === '' ? null : claims.name],
            [t.claims, t.claimsText(claims.tier, bytes(claims.memoryBytes))],
            [t.profile, <code key="profile">{claims.profile}</code>],
          ]}
        />
      )}
      <p>
        <Link href={accountPath(publicKey)}>{t.account}</Link>
      </p>
      <ProofPanel
        proofKey={`node ${publicKey} ${state.proof?.block.height}`}
        check={(verifier, listener, signal) => verifier.state(state, listener, signal)}
        steps={STEPS}
      />
    </>
  );
}
