import { useSyncExternalStore } from 'react';
import { browserChat } from './browser-chat.ts';
import type { Chat, ChatState } from './chat.ts';

export function useChat(): { readonly chat: Chat; readonly state: ChatState } {
  return { chat: browserChat, state: useSyncExternalStore(browserChat.subscribe, browserChat.state) };
}
