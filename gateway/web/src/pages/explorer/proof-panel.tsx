import { useId } from 'react';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import type { ProofFailure, ProofState, ProofStep, StepName } from './proof/steps.ts';
import { proofText } from './proof-text.ts';
import { shortHash } from './short-hash.ts';
import { SignerTable } from './signer-table.tsx';
import { type Check, type Proof, useProof } from './use-proof.ts';
import { whyOf } from './why-unproven.ts';

type ProofTexts = (typeof proofText)['en'];

interface ProofPanelProps {
  /** Says what is checked: another one begins anew. */
  readonly proofKey: string;
  readonly check: Check;
  /** What has to be shown, in this order; the epochs are left out where there is none to follow. */
  readonly steps: readonly StepName[];
}

/** What was shown of the page's content, step by step in words, and by whom it was signed. */
export function ProofPanel({ proofKey, check, steps }: ProofPanelProps) {
  const t = useText(proofText);
  const id = useId();
  const proof = useProof(proofKey, check);
  const { state } = proof;
  if (state === null) return null;
  const tone = toneOf(state);
  const finality = state.steps.find((step) => step.at === 'finality');
  return (
    <section className={`proof ${tone}`} aria-labelledby={id} data-testid="proof" data-status={tone}>
      <h2 id={id}>{t.title}</h2>
      <p className="verdict" role={tone === 'refuted' ? 'alert' : 'status'}>
        <span className="mark" aria-hidden="true" />
        {verdictOf(state, t)}
      </p>
      <ol className="steps">
        {rowsOf(state, steps).map((row) => (
          <Step key={row.at} row={row} />
        ))}
      </ol>
      {finality && <SignerTable signers={finality.signers} validatorsHash={finality.validatorsHash} />}
      <Trust proof={proof} />
      <p className="note fine">{t.about}</p>
    </section>
  );
}

type Tone = 'running' | 'proven' | 'refuted' | 'open' | 'offline';

function toneOf({ status, failure }: ProofState): Tone {
  return failure === null ? (status === 'proven' ? 'proven' : 'running') : failure.kind;
}

function verdictOf(state: ProofState, t: ProofTexts): string {
  const tone = toneOf(state);
  return tone === 'running' && state.epoch !== null ? t.following(String(state.epoch)) : t[tone];
}

interface Row {
  readonly at: StepName;
  readonly shown: ProofStep | null;
  readonly failure: ProofFailure | null;
}

/** A row for each step that was shown, failed or is still to come. */
function rowsOf({ steps, failure }: ProofState, wanted: readonly StepName[]): Row[] {
  const occurs = (at: StepName) => steps.some((step) => step.at === at) || failure?.at === at;
  return wanted
    .filter((at) => at !== 'epochs' || occurs(at))
    .map((at) => ({
      at,
      shown: steps.find((step) => step.at === at) ?? null,
      failure: failure?.at === at ? failure : null,
    }));
}

function Step({ row: { at, shown, failure } }: { readonly row: Row }) {
  const t = useText(proofText);
  const { number } = useFigures();
  const state = failure !== null ? 'failed' : shown !== null ? 'done' : 'pending';
  const says = { failed: t.failedStep, done: t.doneStep, pending: t.pendingStep }[state];
  return (
    <li className={`step ${state} ${failure?.kind ?? ''}`} data-step={at} data-state={state}>
      <span className="hidden">{says}: </span>
      {failure !== null ? (
        whyOf(failure, t)
      ) : shown !== null ? (
        sentencesOf(shown, t, number).map((sentence) => <p key={sentence}>{sentence}</p>)
      ) : (
        <p>{t.pendingStep}</p>
      )}
    </li>
  );
}

function sentencesOf(step: ProofStep, t: ProofTexts, number: (value: number) => string): string[] {
  if (step.at === 'genesis') return [t.genesis(shortHash(step.network), step.validators)];
  if (step.at === 'epochs') return [t.epochs(number(step.epoch))];
  if (step.at === 'finality') {
    const { signers, epoch, weight, total, quorum, descendants, height } = step;
    const signed = signers.filter((one) => one.signed).length;
    return [
      t.finality(number(signed), number(signers.length), number(epoch), number(height)),
      t.weights(number(weight), number(total), number(quorum)),
      ...(descendants > 0 ? [t.descendants(number(height + descendants))] : []),
    ];
  }
  if (step.at === 'records') return [t.records(step.count)];
  if (step.at === 'record') return [t.record(number(step.index + 1), number(step.count))];
  if (step.at === 'author') return [t.author];
  return [step.isAbsent ? t.absent : t.state];
}

/** The network id that everything follows from, and whether its owner compared it. */
function Trust({ proof: { state, trusted, trust } }: { readonly proof: Proof }) {
  const t = useText(proofText);
  const genesis = state?.steps.find((step) => step.at === 'genesis');
  const network = genesis?.network;
  return (
    <details className="origin">
      <summary>{t.trustTitle}</summary>
      {network !== undefined && <p>{t.trust(network)}</p>}
      {trusted === null && network !== undefined && (
        <button type="button" className="quiet" onClick={() => trust(network)}>
          {t.pin}
        </button>
      )}
      {trusted !== null && (
        <p>
          {t.pinned}{' '}
          <button type="button" className="quiet" onClick={() => trust(null)}>
            {t.unpin}
          </button>
        </p>
      )}
    </details>
  );
}
