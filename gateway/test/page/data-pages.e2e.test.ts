import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { PEERS } from '../scripted-coordinator.ts';
import { axeFindings } from './axe.ts';
import { BLY, loneValidator, RECEIVER } from './lone-validator.ts';
import { executablePath, pageBrowser } from './page-browser.ts';

describe.skipIf(executablePath === undefined)('network, node and explorer in Chromium', () => {
  const open = pageBrowser();

  const proof = (page: Page, status: string) => page.locator(`[data-testid=proof][data-status=${status}]`).waitFor();
  const step = (page: Page, at: string) => page.locator(`[data-step=${at}]`).getAttribute('data-state');
  const searchFor = async (page: Page, text: string) => {
    await page.getByRole('searchbox').fill(text);
    await page.keyboard.press('Enter');
  };

  test('a new block appears by itself; its record and the account that it pays are proven in the page', async () => {
    const { chain, transfer, author } = await loneValidator();
    const { page, complaints } = await open({}, { path: '/explorer', chain });
    await page.getByTestId('head').getByText('0', { exact: true }).waitFor();
    const hash = await transfer(250n * BLY);
    await page.getByTestId('blocks').getByRole('link', { name: '1', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Block 1' }).waitFor();
    await proof(page, 'proven');
    await page.getByText('1 of 1 validators of epoch 0 signed that block 1 is final.').waitFor();
    await page.getByText('Their weight is 7 of 7; 5 is a quorum.').waitFor();
    await page.getByText('Who signed').click();
    expect(await page.getByTestId('signer').textContent()).toContain('founder');

    await page.getByTestId('records').getByRole('link').first().click();
    await page.waitForURL(`**/explorer/records/${hash}`);
    await proof(page, 'proven');
    expect(await step(page, 'author')).toBe('done');
    await page.getByRole('link', { name: RECEIVER }).click();
    await proof(page, 'proven');
    expect(await page.getByTestId('balance').textContent()).toBe('250 BLY');
    await searchFor(page, 'not a hash');
    await page.getByRole('alert').getByText('This is no height').waitFor();
    expect(complaints).toEqual([]);
    await searchFor(page, author);
    await page.getByText(author).first().waitFor();
    await page.getByTestId('balance').getByText('750 BLY').waitFor();
    await proof(page, 'proven');
  });

  test('a balance that the node made up, a forged certificate and another network are red', async () => {
    const { chain, transfer } = await loneValidator();
    await transfer(250n * BLY);
    const { page } = await open({}, { path: `/explorer/accounts/${RECEIVER}`, chain });
    await proof(page, 'proven');
    const doctored = (path: string, doctor: (answer: Record<string, string>) => void) =>
      page.route(path, async (route) => {
        const response = await route.fetch();
        const json = await response.json();
        doctor(json);
        await route.fulfill({ response, json });
      });

    await doctored('**/chain/state/account/**', (answer) => {
      // 250 BLY become a hundred times as much: the bytes say so, the validators never signed them.
      answer.bytes = btoa(atob(answer.bytes as string).replace(/..$/s, '\u00ff\u00ff'));
    });
    await page.reload();
    await proof(page, 'refuted');
    expect(await step(page, 'finality')).toBe('done');
    expect(await step(page, 'state')).toBe('failed');
    const verdict = page.getByRole('alert').getByText('do not believe what this page shows');
    await verdict.waitFor();
    await page.getByText('What the node says is not in the state that the validators signed.').waitFor();
    const colour = await verdict.evaluate((element) => getComputedStyle(element).color);
    expect(colour).toBe('rgb(180, 35, 24)');

    await doctored('**/chain/blocks/1', (answer) => {
      answer.certificate = btoa(
        atob(answer.certificate as string).replace(/.$/s, (last) => (last === '0' ? '1' : '0')),
      );
    });
    await searchFor(page, '1');
    await page.getByText('A signature of the certificate is not by the validator that it names.').waitFor();
    await proof(page, 'refuted');

    await doctored('**/chain/records/*', (answer) => {
      answer.bytes = btoa('no record');
    });
    await page.getByTestId('records').getByRole('link').first().click();
    await page.getByText('These bytes cannot be read.').waitFor();
    await page.unroute('**/chain/blocks/1');
    await page.reload();
    await proof(page, 'refuted');
    expect(await step(page, 'author')).toBe('failed');
    await page.goBack();

    await page.evaluate(() => localStorage.setItem('blyan.network', 'ab'.repeat(32)));
    await page.reload();
    await page.getByText('another network than the one you chose to trust').waitFor();
  });

  test('a network id that was compared is remembered, and forgotten when told so', async () => {
    const { chain, transfer, genesis } = await loneValidator();
    await transfer(1n);
    const { page } = await open({}, { path: '/explorer/blocks/1', chain });
    const kept = () => page.evaluate(() => localStorage.getItem('blyan.network'));
    await page.getByText('Where trust begins').click();
    await page.getByText(genesis.hash).waitFor();
    await page.getByRole('button', { name: 'I have compared it' }).click();
    await page.getByText('this browser believes no other one').waitFor();
    await proof(page, 'proven');
    expect(await kept()).toBe(genesis.hash);
    await page.getByRole('button', { name: 'Forget it' }).click();
    await page.getByRole('button', { name: 'I have compared it' }).waitFor();
    expect(await kept()).toBeNull();
  });

  test('without a chain, and where nothing is found, the page says why', async () => {
    const { page } = await open({}, { path: '/explorer', browser: { locale: 'ko-KR' } });
    await page.getByTestId('problem').getByText('체인이 없어요').first().waitFor();
    const { chain } = await loneValidator();
    const other = await open({}, { path: '/explorer/blocks/77', chain });
    await other.page.getByTestId('problem').getByText('This node knows nothing of that name').waitFor();
    await other.page.goto(`${other.url}/explorer/blocks/nonsense`);
    await other.page.getByText('This is no height, hash or address.').waitFor();
  });

  test('a node has a page of its own; when it dies it is nowhere any more, and both pages say so', async () => {
    const { chain, write } = await loneValidator();
    await write('A', 'node', { claims: { tier: 0, profile: 'cpu', memoryBytes: 1, addresses: [] } });
    const { page, coordinator, complaints } = await open({}, { path: '/network', chain });
    const nodes = page.getByTestId('node');
    await nodes.nth(1).waitFor();
    coordinator.missing = ['expert:2.7'];
    await page.getByText('1 of 40 blocks are hosted by nobody: expert:2.7').waitFor();
    expect(await page.locator('.coverage rect.hollow[data-held="0"]').count()).toBeGreaterThan(0);
    await page.getByTestId('outcasts').getByText('outcast').waitFor();

    await nodes.nth(1).getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: `Node ${PEERS[1].slice(-6)}` }).waitFor();
    await page.getByTestId('standing').getByText('ERR_INFERENCE_NOT_FINITE').waitFor();
    await page.getByTestId('registration').getByText('It is not registered on the chain').waitFor();
    // That it is not there is proven too.
    await page.getByText('The state after this block has nothing here.').waitFor();
    await proof(page, 'proven');
    await page.goBack();
    await nodes.nth(1).waitFor();
    const whole = coordinator.state();
    coordinator.state = () => ({ ...whole, nodes: whole.nodes.slice(0, 1) });
    await page.getByTestId('gone').getByText(PEERS[1].slice(-6)).waitFor();
    expect(await nodes.evaluateAll((rows) => rows.map((row) => row.dataset.peer))).toEqual([PEERS[0]]);
    coordinator.state = () => whole;
    await nodes.nth(1).getByRole('link').click();
    await page.getByTestId('standing').waitFor();
    coordinator.state = () => ({ ...whole, nodes: whole.nodes.slice(0, 1) });
    await page.getByTestId('absent').getByText('was here a moment ago and is gone').waitFor();
    await page.reload();
    await page.getByTestId('absent').getByText('The gateway knows no node of this id now').waitFor();
    expect(complaints).toEqual([]);
  });

  test.each([
    ['ko-KR', 'dark', 360],
    ['en-US', 'light', 1280],
  ] as const)('in %s and %s colours nothing is wider than %i pixels, and axe finds nothing', async (locale, colorScheme, width) => {
    const { chain, transfer } = await loneValidator();
    const hash = await transfer(250n * BLY);
    const browser = { locale, colorScheme, viewport: { width, height: 800 } };
    const { page, url } = await open({}, { path: '/network', chain, browser });
    const paths = [
      'network',
      `nodes/${PEERS[1]}`,
      'explorer',
      `explorer/records/${hash}`,
      `explorer/accounts/${RECEIVER}`,
    ];
    for (const path of paths) {
      await page.goto(`${url}/${path}`);
      await (path === 'network'
        ? page.getByTestId('topology')
        : path === 'explorer'
          ? page.getByTestId('models')
          : page.locator('[data-testid=proof][data-status=proven]')
      ).waitFor();
      for (const summary of await page.locator('main summary').all()) await summary.click();
      expect(await axeFindings(page), path).toEqual([]);
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
        path,
      ).toBeLessThanOrEqual(0);
    }
  });
});
