import { AppError } from '@blyan/interface';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { PEERS, servedModel, tokensOf } from '../scripted-coordinator.ts';
import { ATTACKS } from './attacks.ts';
import { executablePath, pageBrowser } from './page-browser.ts';

const answered = (page: Page) => page.locator('[data-testid=answer][data-status=done]').last().waitFor();

describe.skipIf(executablePath === undefined)('the chat page in Chromium', () => {
  const open = pageBrowser();

  test('Enter asks, the answer streams in, and the page says which node did what', async () => {
    const { page, coordinator, complaints } = await open({ tokens: tokensOf('a *river*: 강 🌊') });
    await page.getByTestId('plan').selectOption('dynamic');
    await page.getByTestId('composer').fill('What is a river?');
    await page.keyboard.press('Enter');
    await answered(page);
    expect(await page.getByTestId('answer-text').innerHTML()).toBe('<p>a <em>river</em>: 강 🌊</p>');
    expect(await page.getByTestId('answer-plan').textContent()).toBe('dynamic');
    expect(await page.getByTestId('speed').textContent()).toBe('235');
    expect(await page.getByTestId('first-token').textContent()).toBe('22 ms to first token');
    await page.getByRole('button', { name: '2 nodes answered' }).click();
    await page.getByTestId('route').waitFor();
    const peers = await page.getByTestId('route-entry').evaluateAll((rows) => rows.map((row) => row.dataset.peer));
    expect(peers).toEqual(PEERS);
    const cells = await page.getByTestId('route-entry').nth(1).locator('td').allTextContents();
    expect(cells).toEqual(['experts 0.1 2.7', '9', '3.0 ms', '1.5 ms']);
    await page.getByTestId('verification').getByText('cpu-avx2').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('route').waitFor({ state: 'detached' });
    expect(coordinator.requests).toMatchObject([{ plan: 'dynamic', sampling: { temperature: 0 } }]);
    expect(await page.getByTestId('composer').inputValue()).toBe('');
    expect(complaints).toEqual([]);
  });

  test('Enter that ends the composition of a syllable does not send', async () => {
    const { page, coordinator } = await open({});
    await page.getByTestId('composer').fill('강');
    const enter = { key: 'Enter', bubbles: true, cancelable: true };
    await page.getByTestId('composer').dispatchEvent('keydown', { ...enter, isComposing: true });
    await page.getByTestId('composer').dispatchEvent('keydown', { ...enter, keyCode: 229 });
    await page.getByTestId('composer').press('Shift+Enter');
    expect(await page.getByTestId('composer').inputValue()).toBe('강\n');
    expect(coordinator.requests).toEqual([]);
  });

  test('Stop cancels the generation and keeps what was said', async () => {
    const { page, coordinator, complaints } = await open({ tokens: tokensOf('abcdef'), holdAt: 3 });
    await page.getByRole('button', { name: 'Define courage.' }).click();
    await page.getByTestId('answer-text').getByText('abc').waitFor();
    await page.getByTestId('stop').click();
    expect(await coordinator.aborted).toMatchObject({ code: 'ERR_GATEWAY_CLIENT_GONE' });
    await page.getByTestId('send').waitFor();
    expect(await page.getByTestId('answer').getAttribute('data-status')).toBe('stopped');
    expect(await page.getByTestId('answer-text').textContent()).toBe('abc');
    expect(complaints).toEqual([]);
  });

  test('a failure is said in words, and the next question works', async () => {
    class PeerError extends AppError {}
    const error = new PeerError('ERR_X_PEER_GONE', 'A node of the plan is gone: ask again.', { kind: 'peer' });
    const { page, coordinator } = await open({ tokens: tokensOf('abc'), failAt: { index: 1, error } });
    await page.getByTestId('composer').fill('one');
    await page.getByTestId('send').click();
    await page.getByRole('alert').getByText('A node of the plan is gone: ask again.').waitFor();
    coordinator.script = { tokens: tokensOf('fine') };
    await page.getByTestId('composer').fill('two');
    await page.keyboard.press('Enter');
    await page.getByTestId('answer-text').getByText('fine').waitFor();
  });

  test('who has to wait, pay or sign in is told so in both languages, for how long, and tries again', async () => {
    class Refusal extends AppError {}
    const { page, coordinator } = await open({}, { browser: { locale: 'ko-KR' } });
    const refused = async (error: AppError, meaning: string, code: string) => {
      coordinator.script = { refuse: error };
      await page.getByTestId('composer').fill('하나');
      await page.getByTestId('send').click();
      await page.getByRole('alert').getByText(meaning).last().waitFor();
      await page.getByRole('alert').getByText(code).last().waitFor();
    };
    const [wait, credit, busy] = [
      new Refusal('ERR_X_MEMPOOL_FULL', 'Come later.', { meta: { retryAfterSeconds: 1 } }),
      new GatewayError('ERR_GATEWAY_CREDIT', 'No credit is left.', { kind: 'caller' }),
      new Refusal('ERR_X_BUSY', 'Too much to do.', { meta: { retryAfterSeconds: 2 } }),
    ];
    await refused(credit, '크레딧을 모두 썼어요.', 'insufficient_quota');
    await page.getByRole('link', { name: '계정으로 가기' }).waitFor();
    await refused(wait, '요청이 너무 많아요.', 'ERR_X_MEMPOOL_FULL');
    await refused(busy, '게이트웨이가 바쁘거나', 'ERR_X_BUSY');
    const retry = page.getByTestId('retry').last();
    await retry.getByText('초 뒤에 다시 시도').waitFor();
    expect(await retry.isDisabled()).toBe(true);
    coordinator.script = { tokens: tokensOf('fine') };
    await retry.getByText('다시 시도', { exact: true }).click();
    await answered(page);
    expect(await page.getByTestId('answer').last().getAttribute('data-status')).toBe('done');
    expect(await page.getByTestId('answer').count()).toBe(3);
  });

  test('code is copied as it is', async () => {
    const { page } = await open({ tokens: tokensOf('So:\n\n```js\nif (a < b) {\n  go();\n}\n```') });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByTestId('composer').fill('?');
    await page.keyboard.press('Enter');
    await answered(page);
    await page.getByTestId('answer-text').getByTestId('copy').click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('if (a < b) {\n  go();\n}');
  });

  test('what a model is brought to write runs nothing, loads nothing, and leads nowhere but to the web', async () => {
    const { page, coordinator, complaints, url } = await open({});
    coordinator.served = [servedModel({ contextLength: 8192 })];
    coordinator.script = { tokens: tokensOf(ATTACKS.join('\n\n')) };
    const elsewhere: string[] = [];
    page.on('request', (request) => !request.url().startsWith(url) && elsewhere.push(request.url()));
    await page.getByTestId('composer').fill(ATTACKS[0] ?? '');
    await page.keyboard.press('Enter');
    await answered(page);
    const found = await page.evaluate(() => {
      const view = document.querySelector('[role=log]');
      const forbidden =
        'script, img, iframe, style, link, meta, base, form:not(.editor), object, embed, video, [onerror]';
      return {
        hacked: 'hacked' in window,
        forbidden: [...(view?.querySelectorAll(forbidden) ?? [])].map(({ outerHTML }) => outerHTML),
        links: [...(view?.querySelectorAll('[data-testid=answer-text] a') ?? [])].map((a) => a.getAttribute('href')),
      };
    });
    expect(found).toMatchObject({ hacked: false, forbidden: [] });
    expect(found.links).not.toHaveLength(0);
    for (const link of found.links) expect(link).toMatch(/^(https?:\/\/[^@]*$|mailto:)/);
    await page.getByTestId('answer-text').getByText('<script>window.hacked = 1</script>').first().waitFor();
    expect([elsewhere, complaints]).toEqual([[], []]);
  });

  test('the welcome is honest, and a gap in the network is shown', async () => {
    const { page, coordinator } = await open({});
    await page.getByText('may recover your prompt').first().waitFor();
    await page.getByText('says nonsense').waitFor();
    coordinator.missing = ['expert:2.7'];
    await page.getByText('Parts of the model are on no node just now').waitFor();
    await page.getByText('2 nodes, not complete').waitFor();
  });

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
  ] as const)('in a %s window of %i pixels nothing is wider than the window', async (colorScheme, width) => {
    const browser = { colorScheme, viewport: { width, height: 760 } };
    const { page } = await open({ tokens: tokensOf(`long ${'x'.repeat(60)}`) }, { browser });
    await page.getByTestId('composer').fill(`${'y'.repeat(20)} ?`);
    await page.keyboard.press('Enter');
    await answered(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    if (width < 500) await page.getByTestId('history-toggle').click();
    await page
      .getByTestId(width < 500 ? 'history-drawer' : 'history')
      .getByText('yyy')
      .waitFor();
  });
});
