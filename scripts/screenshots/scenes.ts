import type { Page } from 'playwright-core';

export type Language = 'en' | 'ko';

export interface Network {
  /** Of the gateway. */
  readonly url: string;
  /** Of every node of the network. */
  readonly peerIds: readonly string[];
}

/** What a picture shows. */
export interface Scene {
  readonly name: string;
  readonly path: string | ((network: Network) => string);
  /** Does what has to be done before the picture is taken. */
  readonly arrange?: (page: Page, network: Network) => Promise<void>;
  /** What has to be read on it. */
  readonly text: Readonly<Record<Language, string>>;
}

const QUESTION = 'What is a river?';

async function ask(page: Page): Promise<void> {
  await page.getByTestId('plan').selectOption('dynamic');
  await page.getByTestId('composer').fill(QUESTION);
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=answer][data-status=done]').waitFor();
}

async function signIn(page: Page): Promise<void> {
  await page.locator('.wallets button').click();
  for (const name of ['quota', 'session', 'balance-spent']) await page.getByTestId(name).first().waitFor();
}

/** As high as what is on it. */
async function wholePage(page: Page): Promise<void> {
  const height = await page.evaluate(() => 100 + (document.querySelector('main')?.scrollHeight ?? 0));
  await page.setViewportSize({ width: page.viewportSize()?.width ?? 0, height });
}

/** Every page, and what opens on it. */
export const SCENES: readonly Scene[] = [
  { name: 'chat', path: '/', text: { en: 'Ask the network.', ko: '네트워크에 물어보세요.' } },
  { name: 'chat-answer', path: '/', arrange: ask, text: { en: 'Answer again', ko: '다시 답하기' } },
  {
    name: 'chat-route',
    path: '/',
    async arrange(page) {
      await ask(page);
      await page.getByTestId('route-toggle').click();
      await page.getByTestId('route').waitFor();
    },
    text: { en: 'How this answer was computed', ko: '이 답변을 계산한 과정' },
  },
  {
    name: 'chat-edit',
    path: '/',
    async arrange(page) {
      await ask(page);
      await page.getByTestId('edit').click();
    },
    text: { en: 'Cancel', ko: '취소' },
  },
  { name: 'network', path: '/network', text: { en: 'Network', ko: '네트워크' } },
  { name: 'node', path: ({ peerIds }) => `/nodes/${peerIds[0]}`, text: { en: 'Node', ko: '노드' } },
  { name: 'explorer', path: '/explorer', text: { en: 'Explorer', ko: '탐색기' } },
  { name: 'explorer-block', path: '/explorer/blocks/1', text: { en: 'Block', ko: '블록' } },
  { name: 'account', path: '/account', text: { en: 'Sign in with a wallet', ko: '지갑으로 로그인' } },
  {
    name: 'account-signed-in',
    path: '/account',
    async arrange(page) {
      await signIn(page);
      await page.locator('.new-key-form [name=name]').fill('laptop');
      await page.locator('.new-key-form [type=submit]').click();
      await page.getByTestId('new-key').waitFor();
      await wholePage(page);
    },
    text: { en: 'Limits and trust', ko: '한도와 신뢰 등급' },
  },
];
