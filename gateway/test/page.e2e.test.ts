import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@blyan/interface';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startGateway } from './harness.ts';
import { PEERS, type Script, tokensOf } from './scripted-coordinator.ts';

const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
);
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

describe.skipIf(executablePath === undefined)('the chat page in Chromium', () => {
  const webDir = mkdtempSync(join(tmpdir(), 'blyan-page-'));
  let browser: Browser;

  beforeAll(async () => {
    const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
    await build({ configFile, logLevel: 'error', build: { outDir: webDir } });
    browser = await chromium.launch({
      executablePath,
      args: [...args, '--disable-component-update', '--disable-sync'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(webDir, { recursive: true });
  });

  /** The page over a scripted coordinator; every complaint of the browser (policy, script, network) is kept. */
  async function open(script: Script, setUp: (page: Page) => Promise<void> = async () => {}) {
    const { coordinator, url } = await startGateway(script, { webDir });
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await setUp(page);
    await page.goto(url);
    await page.getByTestId('node').nth(1).waitFor({ state: 'attached' });
    return { page, coordinator, complaints };
  }

  test('Enter asks, the answer streams in, and the page says which node did what', async () => {
    const { page, coordinator, complaints } = await open({ tokens: tokensOf('<b>river</b>: 강 🌊') });
    await page.getByTestId('plan').selectOption('dynamic');
    await page.getByTestId('composer').fill('What is a river?');
    await page.keyboard.press('Enter');
    await page.getByTestId('route').waitFor();
    expect(await page.getByTestId('answer-text').textContent()).toBe('<b>river</b>: 강 🌊');
    expect(await page.getByTestId('answer').getAttribute('data-status')).toBe('done');
    const peers = await page.getByTestId('route-entry').evaluateAll((rows) => rows.map((row) => row.dataset.peer));
    expect(peers).toEqual(PEERS);
    expect(await page.getByTestId('answer-plan').textContent()).toBe('dynamic');
    expect(await page.getByTestId('speed').textContent()).toBe('235');
    expect(await page.getByTestId('first-token').textContent()).toBe('22 ms');
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

  test('the welcome is honest, and a gap in the network is shown', async () => {
    const { page, coordinator } = await open({});
    await page.getByText('may recover your prompt').waitFor();
    await page.getByText('says nonsense').waitFor();
    coordinator.missing = ['expert:2.7'];
    await page.getByText('Missing: expert:2.7').waitFor();
    await page.getByText('2 nodes, not complete').waitFor();
  });

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
  ] as const)('in a %s window of %i pixels nothing is wider than the window', async (colorScheme, width) => {
    const { page } = await open({ tokens: tokensOf(`long ${'x'.repeat(60)}`) }, async (one) => {
      await one.emulateMedia({ colorScheme });
      await one.setViewportSize({ width, height: 760 });
    });
    await page.getByTestId('composer').fill(`${'y'.repeat(20)} ?`);
    await page.keyboard.press('Enter');
    await page.getByTestId('answer').waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    if (width < 500) await page.getByTestId('network-toggle').click();
    expect(await page.getByTestId('network').isVisible()).toBe(true);
  });
});
