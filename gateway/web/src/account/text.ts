import { defineText } from '../language/index.ts';

/** What did not work, by its code, and what to do. */
export const problemText = defineText({
  en: {
    connect_rejected: 'You did not connect the wallet. Nothing happened; try again when you like.',
    sign_rejected: 'You did not sign the message, so you are not signed in.',
    switch_rejected: 'The wallet stays on a network that this gateway does not take, so you are not signed in.',
    pending: 'The wallet is still waiting for your answer to an earlier request: open it and answer there.',
    locked: 'The wallet is locked, or shares no account with this page: unlock it, choose an account and try again.',
    disconnected: 'The wallet has lost its connection: open it, check that it is online, and try again.',
    wrong_chain: 'The wallet is on a network that this gateway does not take.',
    chain_unknown: 'The wallet does not know the network that this gateway takes: add it there, then try again.',
    cannot_switch: 'The wallet cannot switch networks by itself: switch in the wallet, then try again.',
    cannot_sign: 'This wallet cannot sign messages (personal_sign): sign in with another one.',
    wallet_failed: 'The wallet refused without saying why: open it, and try again.',
    nonce: 'The message was signed too late (it is good for five minutes) or was used before: sign in again.',
    signature:
      'The signature is not of the account that you connected: choose that account in the wallet, and try again.',
    signature_or_contract:
      'The signature is not of the account that you connected. If the account is a contract (a Safe, for example), it cannot sign in here: this gateway is connected to no Ethereum node that could check it.',
    mismatch: 'The wallet signed something else than this gateway asked for: try again, or use another wallet.',
    rate_limited: 'That was too often in one minute: wait a little, then try again.',
    other_origin:
      'This page is open under a name where nobody can sign in: open it under the name that the gateway tells.',
    rpc: 'The Ethereum node that checks contract wallets does not answer: try later, or use another wallet.',
    signed_out: 'This session has ended: sign in again.',
    too_many_keys: 'You have as many keys as an account may have: revoke one that you no longer use.',
    device_code: 'No terminal waits with this code: it was used, or is older than ten minutes. Begin again there.',
    no_ledger: 'This gateway keeps no ledger: answers cost nothing here.',
    full: 'This gateway has no room for more: ask its operator.',
    stopping: 'The gateway is restarting: try again in a moment.',
    unreachable: 'The gateway does not answer: check your connection and try again.',
    other: 'That did not work: try again.',
  },
  ko: {
    connect_rejected: '지갑 연결을 취소했어요. 바뀐 것은 없으니 원할 때 다시 시도해 주세요.',
    sign_rejected: '메시지에 서명하지 않아서 로그인되지 않았어요.',
    switch_rejected: '지갑이 이 게이트웨이가 받지 않는 네트워크에 그대로 있어서 로그인되지 않았어요.',
    pending: '지갑이 이전 요청에 대한 답을 기다리고 있어요. 지갑을 열어 먼저 처리해 주세요.',
    locked: '지갑이 잠겨 있거나 이 페이지와 공유한 계정이 없어요. 잠금을 풀고 계정을 선택한 뒤 다시 시도해 주세요.',
    disconnected: '지갑의 연결이 끊겼어요. 지갑을 열어 온라인 상태인지 확인하고 다시 시도해 주세요.',
    wrong_chain: '지갑이 이 게이트웨이가 받지 않는 네트워크에 있어요.',
    chain_unknown: '지갑이 이 게이트웨이가 받는 네트워크를 몰라요. 지갑에 추가한 뒤 다시 시도해 주세요.',
    cannot_switch: '이 지갑은 스스로 네트워크를 바꾸지 못해요. 지갑에서 직접 바꾼 뒤 다시 시도해 주세요.',
    cannot_sign: '이 지갑은 메시지에 서명(personal_sign)하지 못해요. 다른 지갑으로 로그인해 주세요.',
    wallet_failed: '지갑이 이유를 알리지 않고 거절했어요. 지갑을 열어 확인하고 다시 시도해 주세요.',
    nonce: '서명이 너무 늦었거나(메시지는 5분 동안만 유효해요) 이미 사용된 메시지예요. 다시 로그인해 주세요.',
    signature: '연결한 계정의 서명이 아니에요. 지갑에서 그 계정을 선택하고 다시 시도해 주세요.',
    signature_or_contract:
      '연결한 계정의 서명이 아니에요. 컨트랙트 계정(예: Safe)이라면 여기서는 로그인할 수 없어요. 이 게이트웨이에는 서명을 확인할 이더리움 노드가 연결되어 있지 않아요.',
    mismatch: '지갑이 게이트웨이가 요청한 것과 다른 내용에 서명했어요. 다시 시도하거나 다른 지갑을 써 주세요.',
    rate_limited: '1분 동안 너무 많이 시도했어요. 잠시 기다린 뒤 다시 시도해 주세요.',
    other_origin: '지금 열린 주소에서는 로그인할 수 없어요. 게이트웨이가 안내하는 주소로 열어 주세요.',
    rpc: '컨트랙트 지갑을 확인하는 이더리움 노드가 응답하지 않아요. 나중에 다시 시도하거나 다른 지갑을 써 주세요.',
    signed_out: '세션이 끝났어요. 다시 로그인해 주세요.',
    too_many_keys: '한 계정이 가질 수 있는 키를 모두 만들었어요. 쓰지 않는 키를 폐기해 주세요.',
    device_code: '이 코드로 기다리는 터미널이 없어요. 이미 썼거나 10분이 지났으니 터미널에서 다시 시작해 주세요.',
    no_ledger: '이 게이트웨이에는 장부가 없어요. 답변에 비용이 들지 않아요.',
    full: '이 게이트웨이에는 더 이상 자리가 없어요. 운영자에게 문의해 주세요.',
    stopping: '게이트웨이를 다시 시작하는 중이에요. 잠시 뒤에 다시 시도해 주세요.',
    unreachable: '게이트웨이가 응답하지 않아요. 연결을 확인하고 다시 시도해 주세요.',
    other: '처리하지 못했어요. 다시 시도해 주세요.',
  },
});

export type ProblemCode = keyof (typeof problemText)['en'];
