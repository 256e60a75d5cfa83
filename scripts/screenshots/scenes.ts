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

/** Once what is on it was proven, and as high as it is. */
async function proven(page: Page): Promise<void> {
  await page.locator('[data-testid=proof][data-status=proven]').waitFor();
  await wholePage(page);
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
  { name: 'network', path: '/network', arrange: wholePage, text: { en: 'List of nodes', ko: '노드 목록' } },
  {
    name: 'node',
    path: ({ peerIds }) => `/nodes/${peerIds[0]}`,
    arrange: proven,
    text: {
      en: 'The state after this block has exactly this value.',
      ko: '이 블록 다음의 상태에 정확히 이 값이 있어요.',
    },
  },
  {
    name: 'node-unknown',
    path: '/nodes/nobody',
    text: { en: 'The gateway knows no node of this id now.', ko: '게이트웨이가 지금 이 ID의 노드를 알지 못해요.' },
  },
  { name: 'explorer', path: '/explorer', arrange: wholePage, text: { en: 'Newest block', ko: '최신 블록' } },
  {
    name: 'explorer-block',
    path: '/explorer/blocks/1',
    arrange: proven,
    text: { en: 'The block has exactly', ko: '블록에 있는 레코드는 정확히' },
  },
  {
    name: 'explorer-record',
    path: '/explorer/blocks/1',
    async arrange(page) {
      await page.getByTestId('records').getByRole('link').first().click();
      await page.getByTestId('record').waitFor();
      await proven(page);
    },
    text: { en: 'Its author signed it.', ko: '작성자가 서명했어요.' },
  },
  {
    name: 'explorer-account',
    path: '/explorer/blocks/1',
    async arrange(page) {
      await page.getByTestId('records').getByRole('link').last().click();
      await page.getByTestId('account').waitFor();
      await proven(page);
    },
    text: { en: 'Records it signed', ko: '이 계정이 서명한 레코드' },
  },
  {
    name: 'explorer-nothing',
    path: '/explorer/blocks/nothing',
    text: { en: 'This is no height, hash or address.', ko: '높이도, 해시도, 주소도 아니에요.' },
  },
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
