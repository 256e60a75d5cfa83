import { useState } from 'react';
import { AccountDialog } from './account/account-dialog.tsx';
import { useAccount } from './account/use-account.ts';
import { Composer } from './composer.tsx';
import { Conversation } from './conversation.tsx';
import { Header } from './header.tsx';
import { NetworkPanel } from './network-panel.tsx';
import { useChat } from './use-chat.ts';
import { useNetwork } from './use-network.ts';

/** Models with less context than this were not made for conversations of several turns. */
const CONVERSATION_CONTEXT = 2048;

export function App() {
  const network = useNetwork();
  const chat = useChat();
  const account = useAccount();
  const [isAccountOpen, setAccountOpen] = useState(false);
  const [chosenModel, setModel] = useState<string | null>(null);
  const [chosenMemory, setMemory] = useState<boolean | null>(null);
  const [isPanelOpen, setPanelOpen] = useState(false);
  const model = network.models.find(({ id }) => id === chosenModel) ?? network.models[0];
  const remembers = chosenMemory ?? (model !== undefined && model.blyan.context_length >= CONVERSATION_CONTEXT);
  const ask = (text: string, plan: 'auto' | 'local' | 'pipeline' | 'dynamic' | 'static_delegate') => {
    if (model !== undefined) chat.ask({ text, plan, model: model.id, remembers });
  };
  return (
    <div className="app">
      <Header
        network={network}
        model={model}
        onModel={setModel}
        isPanelOpen={isPanelOpen}
        onPanel={() => setPanelOpen(!isPanelOpen)}
        address={account.session?.address ?? null}
        onAccount={() => setAccountOpen(true)}
        onClear={chat.turns.length > 0 ? chat.clear : undefined}
      />
      <AccountDialog account={account} isOpen={isAccountOpen} onClose={() => setAccountOpen(false)} />
      <main className="chat">
        <Conversation turns={chat.turns} isStreaming={chat.isStreaming} onExample={(text) => ask(text, 'auto')} />
        <Composer
          isReady={model !== undefined}
          isStreaming={chat.isStreaming}
          remembers={remembers}
          onRemember={setMemory}
          onSend={ask}
          onStop={chat.stop}
        />
      </main>
      <NetworkPanel
        network={network}
        root={model?.blyan.root}
        isOpen={isPanelOpen}
        onClose={() => setPanelOpen(false)}
      />
    </div>
  );
}
