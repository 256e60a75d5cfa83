import { defineText } from '../../language/index.ts';

export const nodeText = defineText({
  en: { title: 'Node', about: 'One node: what it hosts, how fast it is, and what it is known for.' },
  ko: { title: '노드', about: '노드 하나가 맡은 부분과 속도, 평판을 보여 드려요.' },
});
