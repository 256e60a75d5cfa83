import { defineText } from '../../language/index.ts';

export const networkText = defineText({
  en: { title: 'Network', about: 'The models of this network, who hosts what, and how far the nodes are away.' },
  ko: { title: '네트워크', about: '이 네트워크의 모델과 각 노드가 맡은 부분, 노드까지의 거리를 보여 드려요.' },
});
