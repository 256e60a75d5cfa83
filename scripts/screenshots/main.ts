import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { InjectedWallet } from '../../gateway/test/auth/injected-wallet.ts';
import { buildPage, executablePath, launchChromium } from '../../gateway/test/page/page-browser.ts';
import { Devnet } from '../../node/test/e2e/devnet.ts';
import { type Language, type Network, SCENES, type Scene } from './scenes.ts';

const HELP = `npm run screenshots -- [--out DIR] [--only NAME,NAME]

Starts a network with the genesis model on this machine, opens every page in Chromium in English and Korean, dark and light, 360 and
1280 pixels wide, and takes a picture of each. Fails when the text of a page is not there, when something is wider than the window,
when the browser complains, or when axe finds an obstacle. Pictures go to ./screenshots unless --out says otherwise.
`;

const LANGUAGES: readonly Language[] = ['en', 'ko'];
const COLOURS = ['light', 'dark'] as const;
const WIDTHS = [1280, 360];
const HEIGHT = 800;

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface View {
  readonly language: Language;
  readonly colorScheme: (typeof COLOURS)[number];
  readonly width: number;
}

const VIEWS: readonly View[] = LANGUAGES.flatMap((language) =>
  COLOURS.flatMap((colorScheme) => WIDTHS.map((width) => ({ language, colorScheme, width }))),
);

const nameOf = (scene: Scene, { language, colorScheme, width }: View) =>
  `${scene.name}-${language}-${colorScheme}-${width}`;

/** Takes one picture. @returns what is wrong on it */
async function shoot(browser: Browser, scene: Scene, view: View, network: Network, out: string): Promise<string[]> {
  const { language, colorScheme, width } = view;
  const context = await browser.newContext({
    locale: language === 'ko' ? 'ko-KR' : 'en-US',
    colorScheme,
    viewport: { width, height: HEIGHT },
    reducedMotion: 'reduce',
  });
  const problems: string[] = [];
  try {
    const page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && problems.push(`browser: ${message.text()}`));
    page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
    await new InjectedWallet().installIn(page);
    const path = typeof scene.path === 'string' ? scene.path : scene.path(network);
    await page.goto(network.url + path, { waitUntil: 'networkidle' });
    await scene.arrange?.(page, network);
    await page.getByText(scene.text[language]).filter({ visible: true }).first().waitFor();
    problems.push(...(await faultsOf(page, language)));
    await page.screenshot({ path: join(out, `${nameOf(scene, view)}.png`) });
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  } finally {
    await context.close();
  }
  return problems;
}

async function faultsOf(page: Page, language: Language): Promise<string[]> {
  const faults: string[] = [];
  const lang = await page.evaluate(() => document.documentElement.lang);
  if (lang !== language) faults.push(`the page says its language is ${lang}`);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (excess > 0) faults.push(`something is ${excess} pixels wider than the window`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe.run(),
  );
  for (const { id, help, nodes } of violations)
    faults.push(
      `axe ${id}: ${help}: ${nodes
        .map(({ target }) => target.join(' '))
        .slice(0, 4)
        .join('; ')}`,
    );
  return faults;
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly target: readonly string[] }[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { out: { type: 'string', default: 'screenshots' }, only: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (executablePath === undefined) throw new Error('There is no Chromium: install it, or name one in CHROMIUM');
  const only = values.only?.split(',');
  const scenes = SCENES.filter(({ name }) => only === undefined || only.includes(name));
  await mkdir(values.out, { recursive: true });
  await buildPage();
  const devnet = await Devnet.start();
  const browser = await launchChromium();
  const network: Network = { url: devnet.gateway, peerIds: devnet.nodes.map(({ peerId }) => peerId) };
  let failed = 0;
  try {
    for (const scene of scenes)
      for (const view of VIEWS) {
        const problems = await shoot(browser, scene, view, network, values.out);
        if (problems.length > 0) failed++;
        process.stdout.write(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${nameOf(scene, view)}\n`);
        for (const problem of problems) process.stdout.write(`       ${problem}\n`);
      }
  } finally {
    await browser.close();
    await devnet.stop();
  }
  const pictures = scenes.length * VIEWS.length;
  process.stdout.write(`${pictures} pictures in ${values.out}, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
