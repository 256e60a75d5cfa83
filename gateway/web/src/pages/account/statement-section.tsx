import { formatUnits, type StatementAnswer, type StatementLine } from '@blyan/api';
import { useState } from 'react';
import { problemText } from '../../account/text.ts';
import { client } from '../../client.ts';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { Section } from './section.tsx';
import { accountText } from './text.ts';
import { useOwn } from './use-own.ts';

const LINES = 10;
const load = (signal: AbortSignal) => client.credits.statement({ limit: LINES }, signal);

type Page = Pick<StatementAnswer, 'data' | 'next'>;

/** Credits of the account: what is there, and what moved, the latest first. */
export function StatementSection() {
  const t = useText(accountText);
  const p = useText(problemText);
  const { value, problem, isBusy, attempt } = useOwn(load);
  const hasNoLedger = problem?.code === 'no_ledger';
  const [older, setOlder] = useState<Page>({ data: [], next: null });
  const lines = [...(value?.data ?? []), ...older.data];
  const next = older.data.length > 0 ? older.next : (value?.next ?? null);
  const more = () =>
    void attempt(async (signal) => {
      if (next === null) return;
      const page = await client.credits.statement({ limit: LINES, before: next }, signal);
      setOlder({ data: [...older.data, ...page.data], next: page.next });
    });
  return (
    <Section title={t.statement} about={t.statementAbout} problem={hasNoLedger ? null : problem}>
      {hasNoLedger && <p className="note">{p.no_ledger}</p>}
      {value !== null && (
        <>
          <Balance statement={value} />
          {lines.length === 0 ? <p className="note">{t.noLines}</p> : <Lines lines={lines} />}
          {next !== null && (
            <button type="button" className="quiet" disabled={isBusy} onClick={more}>
              {t.older}
            </button>
          )}
        </>
      )}
    </Section>
  );
}

function Balance({ statement: { balance, isCharged } }: { readonly statement: StatementAnswer }) {
  const t = useText(accountText);
  const facts = [
    ['available', balance.available],
    ['reserved', balance.reserved],
    ['spent', balance.debits],
  ] as const;
  return (
    <>
      <dl className="balance">
        {facts.map(([name, amount]) => (
          <div key={name} data-testid={`balance-${name}`}>
            <dt>{t[name]}</dt>
            <dd>{t.credits(formatUnits(amount))}</dd>
          </div>
        ))}
      </dl>
      {!isCharged && <p className="note">{t.notCharged}</p>}
    </>
  );
}

function Lines({ lines }: { readonly lines: readonly StatementLine[] }) {
  const t = useText(accountText);
  return (
    <div className="table-wrap statement">
      <table>
        <thead>
          <tr>
            <th scope="col">{t.time}</th>
            <th scope="col">{t.what}</th>
            <th scope="col">{t.amount}</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <Line key={line.seq} line={line} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Line({
  line: { type, time, amount, model, promptTokens, completionTokens, note },
}: {
  readonly line: StatementLine;
}) {
  const t = useText(accountText);
  const figures = useFigures();
  const about =
    model === null ? note : t.answerOf(model, figures.number(promptTokens ?? 0), figures.number(completionTokens ?? 0));
  return (
    <tr data-testid="statement-line">
      <td>{figures.minute(Date.parse(time))}</td>
      <td>
        {t[type]}
        {about && <span className="note">{about}</span>}
      </td>
      <td>{signed(amount)}</td>
    </tr>
  );
}

/** `+1.5`, `−0.25`. */
function signed(amount: string): string {
  const text = formatUnits(amount);
  if (text === '0') return text;
  return text.startsWith('-') ? `−${text.slice(1)}` : `+${text}`;
}
