import { defineText } from '../../language/index.ts';

export const explorerText = defineText({
  en: { title: 'Explorer', about: 'Blocks, records and accounts of the chain.' },
  ko: { title: '탐색기', about: '체인의 블록, 레코드, 계정을 보여 드려요.' },
});
