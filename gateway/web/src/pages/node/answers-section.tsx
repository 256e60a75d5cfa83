import { useFigures } from '../../figures.ts';
import { formatMs } from '../../format.ts';
import { useText } from '../../language/index.ts';
import { useLoaded } from '../../use-loaded.ts';
import type { Conversation } from '../chat/conversation.ts';
import { BrowserConversationStore } from '../chat/conversation-store.ts';
import { partInAnswers } from './part-in-answers.ts';
import { nodeText } from './text.ts';

/** What the node did for answers that this browser keeps. */
export function AnswersSection({ peerId }: { readonly peerId: string }) {
  const t = useText(nodeText);
  const { number } = useFigures();
  const { data } = useLoaded(`answers ${peerId}`, async () => partInAnswers(peerId, await keptConversations()));
  if (data === null) return null;
  const names = { stage: t.stage, experts: t.experts, delegate: t.delegate };
  return (
    <section className="part" data-testid="answers">
      <h2>{t.answers}</h2>
      {data.roles.length === 0 ? (
        <p className="note">{t.noAnswers}</p>
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t.role}</th>
              <th scope="col" className="number">
                {t.times}
              </th>
              <th scope="col" className="number">
                {t.calls}
              </th>
              <th scope="col" className="number">
                {t.time}
              </th>
            </tr>
          </thead>
          <tbody>
            {data.roles.map(({ role, answers, calls, ms }) => (
              <tr key={role}>
                <th scope="row">{names[role]}</th>
                <td className="number">{number(answers)}</td>
                <td className="number">{number(calls)}</td>
                <td className="number">{formatMs(ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {data.lost > 0 && <p className="note bad">{t.lost(number(data.lost))}</p>}
      <p className="note fine">{t.answersAbout}</p>
    </section>
  );
}

/** Those that can be read; none where the browser keeps nothing. */
async function keptConversations(): Promise<Conversation[]> {
  const store = new BrowserConversationStore();
  const kept: Conversation[] = [];
  try {
    for (const { id } of await store.list()) {
      const conversation = await store.get(id);
      if (conversation !== null) kept.push(conversation);
    }
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  return kept;
}
