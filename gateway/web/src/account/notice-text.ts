import { defineText } from '../language/index.ts';

/** Why somebody who was signed in is not, or what became of the wallet meanwhile. */
export const noticeText = defineText({
  en: {
    signed_in: 'You are signed in.',
    signed_out: 'You are signed out. Your API keys still work.',
    cancelled: 'Signing in was cancelled.',
    ended: 'This session was ended elsewhere or is over: sign in again. Your API keys still work.',
    account_switched:
      'Another account was chosen in the wallet, so the one before was signed out here. Sign in again to use the new one.',
    wallet_closed:
      'The wallet was locked or disconnected from this page, so you were signed out here. Your API keys still work.',
    wallet_offline: 'The wallet has lost its connection. You stay signed in here.',
  },
  ko: {
    signed_in: '로그인했어요.',
    signed_out: '로그아웃했어요. API 키는 계속 쓸 수 있어요.',
    cancelled: '로그인을 취소했어요.',
    ended: '다른 곳에서 이 세션을 끝냈거나 기간이 지났어요. 다시 로그인해 주세요. API 키는 계속 쓸 수 있어요.',
    account_switched:
      '지갑에서 다른 계정을 선택해서 이전 계정은 여기서 로그아웃했어요. 새 계정을 쓰려면 다시 로그인해 주세요.',
    wallet_closed: '지갑이 잠기거나 이 페이지와의 연결이 끊겨서 여기서 로그아웃했어요. API 키는 계속 쓸 수 있어요.',
    wallet_offline: '지갑의 연결이 끊겼어요. 이 페이지의 로그인은 유지돼요.',
  },
});

export type NoticeCode = keyof (typeof noticeText)['en'];
