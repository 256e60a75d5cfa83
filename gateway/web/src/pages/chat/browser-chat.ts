import { client } from '../../client.ts';
import { Chat } from './chat.ts';
import { BrowserConversationStore } from './conversation-store.ts';

const SHOWN_KEY = 'blyan.conversation';
const CHANNEL = 'blyan-chat';

const channel = new BroadcastChannel(CHANNEL);

/** The conversations of this window. */
export const browserChat = new Chat({
  client,
  store: new BrowserConversationStore(),
  shown: { get: recall, set: remember },
  others: {
    tell: (id) => channel.postMessage(id),
    listen: (onChange) => channel.addEventListener('message', ({ data }) => onChange(data)),
  },
  exclusively,
});
addEventListener('pagehide', () => browserChat.leave());

/** On plain http a browser has no locks; then the gateway sees to it that only one window has an answer. */
async function exclusively(name: string, work: () => Promise<void>): Promise<void> {
  const { locks } = navigator as { readonly locks?: LockManager };
  if (locks === undefined) return work();
  await locks.request(name, { ifAvailable: true }, (lock) => (lock === null ? undefined : work()));
}

function recall(): string | null {
  try {
    return sessionStorage.getItem(SHOWN_KEY);
  } catch {
    return null;
  }
}

function remember(id: string): void {
  try {
    sessionStorage.setItem(SHOWN_KEY, id);
  } catch {}
}
