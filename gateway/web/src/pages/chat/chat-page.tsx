import { useState } from 'react';
import { useTitle } from '../../frame/page-frame.tsx';
import { useText } from '../../language/index.ts';
import { useNetwork } from '../../network/use-network.tsx';
import { Composer } from './composer.tsx';
import { Conversation } from './conversation.tsx';
import { NetworkPanel } from './network-panel.tsx';
import { chatText } from './text.ts';
import { useChat } from './use-chat.ts';

/** Models with less context than this were not made for conversations of several turns. */
const CONVERSATION_CONTEXT = 2048;

export function ChatPage() {
  const t = useText(chatText);
  useTitle(t.title);
  const network = useNetwork();
  const chat = useChat();
  const [chosenModel, setModel] = useState<string | null>(null);
  const [chosenMemory, setMemory] = useState<boolean | null>(null);
  const [isPanelOpen, setPanelOpen] = useState(false);
  const model = network.models.find(({ id }) => id === chosenModel) ?? network.models[0];
  const remembers = chosenMemory ?? (model !== undefined && model.blyan.context_length >= CONVERSATION_CONTEXT);
  const ask = (text: string, plan: 'auto' | 'local' | 'pipeline' | 'dynamic' | 'static_delegate') => {
    if (model !== undefined) chat.ask({ text, plan, model: model.id, remembers });
  };
  return (
    <div className="chat-page">
      <section className="chat">
        <div className="chat-bar">
          {network.models.length > 1 ? (
            <select
              className="quiet"
              aria-label="Model"
              value={model?.id}
              onChange={(event) => setModel(event.target.value)}
            >
              {network.models.map(({ id }) => (
                <option key={id}>{id}</option>
              ))}
            </select>
          ) : (
            <span className="model">{model?.id}</span>
          )}
          <span className="spacer" />
          {chat.turns.length > 0 && (
            <button type="button" className="quiet" onClick={chat.clear}>
              New
            </button>
          )}
          <button
            type="button"
            className="quiet panel-toggle"
            data-testid="network-toggle"
            aria-expanded={isPanelOpen}
            aria-controls="network"
            onClick={() => setPanelOpen(!isPanelOpen)}
          >
            Nodes
          </button>
        </div>
        <Conversation turns={chat.turns} isStreaming={chat.isStreaming} onExample={(text) => ask(text, 'auto')} />
        <Composer
          isReady={model !== undefined}
          isStreaming={chat.isStreaming}
          remembers={remembers}
          onRemember={setMemory}
          onSend={ask}
          onStop={chat.stop}
        />
      </section>
      <NetworkPanel
        network={network}
        root={model?.blyan.root}
        isOpen={isPanelOpen}
        onClose={() => setPanelOpen(false)}
      />
    </div>
  );
}
