import { defineText } from '../../language/index.ts';

/** What a failure means for whoever reads it; the gateway's own sentence stands below. */
export const failureText = defineText({
  en: {
    unreachable: 'The gateway cannot be reached. Is it running, and are you online?',
    broken: 'The connection broke in the middle of the answer.',
    signIn: 'This gateway answers only to those who are signed in.',
    forbidden: 'This gateway does not allow that.',
    credit: 'Your credit is used up.',
    forgotten: 'The rest of this answer is no longer kept.',
    model: 'This gateway does not serve that model any more.',
    tooLong: 'The conversation is longer than the model can read.',
    refused: 'The gateway did not take the question.',
    wait: 'Too many requests: wait a little.',
    busy: 'The gateway is busy or stopping just now.',
    nodes: 'Nodes that the answer needs are missing or failed.',
    fault: 'Something went wrong in the gateway.',
    toAccount: 'To the account',
  },
  ko: {
    unreachable: '게이트웨이에 연결할 수 없어요. 실행 중인지, 인터넷이 연결되어 있는지 확인해 주세요.',
    broken: '답변을 받는 도중에 연결이 끊겼어요.',
    signIn: '이 게이트웨이는 로그인한 사람에게만 답해요.',
    forbidden: '이 게이트웨이에서는 허용되지 않아요.',
    credit: '크레딧을 모두 썼어요.',
    forgotten: '이 답변의 나머지는 더 이상 보관되어 있지 않아요.',
    model: '이 게이트웨이는 그 모델을 더 이상 제공하지 않아요.',
    tooLong: '대화가 모델이 읽을 수 있는 길이를 넘었어요.',
    refused: '게이트웨이가 질문을 받아들이지 않았어요.',
    wait: '요청이 너무 많아요. 잠시 기다려 주세요.',
    busy: '게이트웨이가 바쁘거나 멈추는 중이에요.',
    nodes: '답변에 필요한 노드가 없거나 실패했어요.',
    fault: '게이트웨이에 문제가 생겼어요.',
    toAccount: '계정으로 가기',
  },
});
