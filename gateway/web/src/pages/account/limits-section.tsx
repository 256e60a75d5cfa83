import type { LimitsAnswer } from '@blyan/api';
import { useId } from 'react';
import { client } from '../../client.ts';
import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import { Section } from './section.tsx';
import { accountText } from './text.ts';
import { useOwn } from './use-own.ts';

const load = (signal: AbortSignal) => client.auth.limits(signal);

/** What the account may still do, how far it is trusted, and what it takes to be trusted more. */
export function LimitsSection() {
  const t = useText(accountText);
  const { value, problem } = useOwn(load);
  return (
    <Section title={t.limits} about={t.limitsAbout} problem={problem}>
      {value !== null && (
        <>
          {!value.isEnforced && <p className="note">{t.notEnforced}</p>}
          <Left limits={value} />
          <Trust limits={value} />
        </>
      )}
    </Section>
  );
}

function Left({ limits: { rates, streams } }: { readonly limits: LimitsAnswer }) {
  const t = useText(accountText);
  const all = [
    ...rates.map(({ name, limit, remaining }) => ({ name, limit, remaining })),
    { name: 'streams' as const, limit: streams.limit, remaining: streams.limit - streams.open },
  ];
  return (
    <ul className="quotas">
      {all.map((quota) => (
        <Quota key={quota.name} name={t[quota.name]} limit={quota.limit} remaining={quota.remaining} />
      ))}
    </ul>
  );
}

interface QuotaProps {
  readonly name: string;
  readonly limit: number;
  readonly remaining: number;
}

function Quota({ name, limit, remaining }: QuotaProps) {
  const t = useText(accountText);
  const figures = useFigures();
  const id = useId();
  return (
    <li data-testid="quota">
      <span id={id}>{name}</span>
      <span className="note">{t.leftOf(figures.number(remaining), figures.number(limit))}</span>
      <progress aria-labelledby={id} value={remaining} max={limit} />
    </li>
  );
}

function Trust({ limits: { level, next, levels, trust } }: { readonly limits: LimitsAnswer }) {
  const t = useText(accountText);
  const figures = useFigures();
  return (
    <div className="trust-level">
      <h3>
        {t.trust}: <span data-testid="level">{t[level]}</span>
      </h3>
      <p className="note">{t.counted(trust.good, trust.bad)}</p>
      <p data-testid="next-level">
        {next === null
          ? t.highest
          : t.toNext({
              level: t[next.level],
              good: next.goodMissing,
              perDay: next.goodPerDay,
              days: daysFor(next),
            })}
      </p>
      <div className="table-wrap">
        <table>
          <thead>
            <tr>
              <th scope="col">{t.level}</th>
              <th scope="col">{t.requestsShort}</th>
              <th scope="col">{t.tokensShort}</th>
              <th scope="col">{t.streamsShort}</th>
              <th scope="col">{t.dayShort}</th>
            </tr>
          </thead>
          <tbody>
            {levels.map((one) => (
              <tr key={one.level} aria-current={one.level === level ? 'true' : undefined}>
                <th scope="row">{t[one.level]}</th>
                <td>{figures.number(one.requestsPerMinute)}</td>
                <td>{figures.number(one.tokensPerMinute)}</td>
                <td>{figures.number(one.streams)}</td>
                <td>{figures.number(one.requestsPerDay)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

/** Days that it takes at least, today included. */
function daysFor({ goodMissing, goodPerDay, goodToday }: NonNullable<LimitsAnswer['next']>): number {
  const later = goodMissing - (goodPerDay - goodToday);
  return 1 + Math.ceil(Math.max(0, later) / goodPerDay);
}
