import { defineText } from '../../language/index.ts';

export const accountText = defineText({
  en: { title: 'Account', about: 'Your sessions, API keys, statement and limits.' },
  ko: { title: '계정', about: '세션, API 키, 사용 내역, 한도를 보여 드려요.' },
});
