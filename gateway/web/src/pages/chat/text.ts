import { defineText } from '../../language/index.ts';

export const chatText = defineText({
  en: { title: 'Chat' },
  ko: { title: '채팅' },
});
