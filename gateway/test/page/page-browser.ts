import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { startGateway } from '../harness.ts';
import type { Script } from '../scripted-coordinator.ts';

/** Undefined where there is no Chromium. */
export const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
);
const VITE = fileURLToPath(new URL('../../../node_modules/vite/bin/vite.js', import.meta.url));
const CONFIG = fileURLToPath(new URL('../../vite.config.ts', import.meta.url));
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

export interface OpenOptions extends NonNullable<Parameters<typeof startGateway>[1]> {
  readonly path?: string;
  /** Of the browser's window: language, size, colours. English unless said otherwise. */
  readonly browser?: BrowserContextOptions;
  readonly setUp?: (page: Page) => Promise<void>;
}

/**
 * Builds the page as it is shipped, in a process of its own: in the tests' React would become its slow, talkative variant.
 *
 * @param outDir where the page goes; by default where a gateway looks for it
 */
export async function buildPage(outDir?: string): Promise<void> {
  const target = outDir === undefined ? [] : ['--outDir', outDir];
  await promisify(execFile)(process.execPath, [VITE, 'build', '--config', CONFIG, ...target], {
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath, args: [...args, '--disable-component-update', '--disable-sync'] });
}

/** Builds the page and starts Chromium for the tests of a file; opens it over a scripted coordinator. */
export function pageBrowser() {
  const webDir = mkdtempSync(join(tmpdir(), 'blyan-page-'));
  let browser: Browser;

  beforeAll(async () => {
    await buildPage(webDir);
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(webDir, { recursive: true });
  });

  /** Every complaint of the browser (policy, script, network) is kept; a browser context of its own each time. */
  return async function open(script: Script, { path = '/', browser: context, setUp, ...options }: OpenOptions = {}) {
    const gateway = await startGateway(script, { webDir, ...options });
    const own = await browser.newContext({ locale: 'en-US', ...context });
    onTestFinished(() => own.close());
    const page = await own.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await setUp?.(page);
    await page.goto(gateway.url + path);
    await page.getByTestId('network-light').getByText('2').waitFor();
    return { ...gateway, page, complaints };
  };
}
