import type { CreatedKey, KeyList, WantedKey } from '@blyan/api';
import { useRef, useState } from 'react';
import { client } from '../../client.ts';
import { useText } from '../../language/index.ts';
import { KeyRow } from './key-row.tsx';
import { NewKey } from './new-key.tsx';
import { NewKeyForm } from './new-key-form.tsx';
import { Section } from './section.tsx';
import { accountText } from './text.ts';
import { useOwn } from './use-own.ts';

const load = async (signal: AbortSignal) => (await client.auth.keys(signal)).data.reverse();

/** The keys of programs: made here and shown once, listed with their last use, revoked. */
export function KeysSection() {
  const t = useText(accountText);
  const { value, problem, outcome, isBusy, change } = useOwn(load);
  const [made, setMade] = useState<CreatedKey | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const make = (wanted: WantedKey) =>
    void change(async () => {
      setMade(await client.auth.createKey(wanted));
      return t.keyMade(wanted.name);
    });
  const revoke = async ({ id, name }: KeyList['data'][number]) => {
    await change(async () => {
      await client.auth.revokeKey(id);
      setMade((key) => (key?.id === id ? null : key));
      return t.keyRevoked(name);
    });
    heading.current?.focus();
  };
  const put = () => {
    setMade(null);
    heading.current?.focus();
  };
  return (
    <Section title={t.keys} about={t.keysAbout} {...{ heading, problem, outcome }}>
      {made && <NewKey made={made} onStored={put} />}
      <ul className="entries" aria-busy={value === null}>
        {value?.map((key) => (
          <KeyRow key={key.id} listed={key} isBusy={isBusy} onRevoke={() => void revoke(key)} />
        ))}
      </ul>
      {value?.length === 0 && <p className="note">{t.noKeys}</p>}
      <NewKeyForm isBusy={isBusy} onMake={make} />
    </Section>
  );
}
