import { useState } from 'react';
import { Drawer } from '../../frame/drawer.tsx';
import { useTitle } from '../../frame/page-frame.tsx';
import { useText } from '../../language/index.ts';
import { useNetwork } from '../../network/use-network.tsx';
import './chat.css';
import { Composer } from './composer.tsx';
import type { AskSettings } from './conversation.ts';
import { ConversationView } from './conversation-view.tsx';
import { History } from './history.tsx';
import { chatText } from './text.ts';
import { useChat } from './use-chat.ts';

/** Models with less context than this were not made for conversations of several turns. */
const CONVERSATION_CONTEXT = 2048;

export function ChatPage() {
  const t = useText(chatText);
  useTitle(t.title);
  const { models, state: network } = useNetwork();
  const { chat, state } = useChat();
  const [choices, setChoices] = useState(chat.choices);
  const [isHistoryOpen, setHistoryOpen] = useState(false);
  const model = models.find(({ id }) => id === choices.model) ?? models[0];
  const settings: AskSettings | null =
    model === undefined
      ? null
      : {
          plan: choices.plan ?? 'auto',
          temperature: choices.temperature ?? 0,
          remembers: choices.remembers ?? model.blyan.context_length >= CONVERSATION_CONTEXT,
          model: model.id,
        };
  const choose = (change: Partial<AskSettings>) => {
    chat.choices = { ...choices, ...change };
    setChoices(chat.choices);
  };
  return (
    <div className="chat-page">
      <h1 className="hidden">{t.title}</h1>
      <aside className="side" aria-label={t.conversations} data-testid="history">
        <History chat={chat} state={state} />
      </aside>
      <section className="chat" aria-label={t.log}>
        <div className="chat-bar">
          <button
            type="button"
            className="quiet history-toggle"
            data-testid="history-toggle"
            onClick={() => setHistoryOpen(true)}
          >
            {t.conversations}
          </button>
          {network !== null && network.notReady !== null && (
            <p className="note bad" role="status">
              {t.notReady}
            </p>
          )}
        </div>
        <ConversationView chat={chat} state={state} settings={settings} />
        <Composer
          key={state.conversation.id}
          settings={settings}
          models={models}
          isAnswering={state.isAnswering}
          isFull={state.isFull}
          draft={chat.draft}
          onDraft={(text) => {
            chat.draft = text;
          }}
          onSettings={choose}
          onSend={(text) => settings !== null && chat.ask(text, settings)}
          onStop={() => chat.stop()}
        />
      </section>
      {isHistoryOpen && (
        <Drawer
          title={t.conversations}
          closeText={t.close}
          side="left"
          testId="history-drawer"
          onClose={() => setHistoryOpen(false)}
        >
          <History chat={chat} state={state} onChoice={() => setHistoryOpen(false)} />
        </Drawer>
      )}
    </div>
  );
}
