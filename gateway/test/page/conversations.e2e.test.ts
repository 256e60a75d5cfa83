import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { JournalNet } from '../../../packages/p2p/test/journal-net.ts';
import { tokensOf } from '../scripted-coordinator.ts';
import { executablePath, pageBrowser } from './page-browser.ts';

const answers = (page: Page) => page.getByTestId('answer-text');
const isAnswered = (page: Page, text: string) =>
  page.locator('[data-testid=answer][data-status=done]').filter({ hasText: text }).waitFor();

async function ask(page: Page, question: string): Promise<void> {
  await page.getByTestId('composer').fill(question);
  await page.keyboard.press('Enter');
}

interface Kept {
  readonly title: string;
  readonly leaf: string;
  readonly messages: readonly { readonly id: string; readonly text: string }[];
}

/** What the browser kept, in the order of its ids. */
const kept = (page: Page, store = 'summaries') =>
  page.evaluate(async (name) => {
    const opened = indexedDB.open('blyan-chat');
    const done = (request: IDBRequest) =>
      new Promise((resolve, reject) => Object.assign(request, { onsuccess: resolve, onerror: reject }));
    await done(opened);
    const all = opened.result.transaction(name).objectStore(name).getAll();
    await done(all);
    opened.result.close();
    return all.result as Kept[];
  }, store);

describe.skipIf(executablePath === undefined)('conversations in Chromium', () => {
  const open = pageBrowser();

  test('another wording and another answer are versions beside the first, which stay, also after a reload', async () => {
    const { page, coordinator, complaints } = await open({ tokens: tokensOf('first') });
    await ask(page, 'one');
    await isAnswered(page, 'first');
    coordinator.script = { tokens: tokensOf('second') };
    await page.getByTestId('edit').click();
    await page.getByTestId('editor').fill('two');
    await page.keyboard.press('Enter');
    await isAnswered(page, 'second');
    expect(await page.getByTestId('question').textContent()).toBe('You: two');
    await page.getByRole('button', { name: 'Answer again' }).click();
    await page.getByText('Version 2 of 2').nth(1).waitFor({ state: 'attached' });
    await page.locator('[data-testid=answer][data-status=done]').waitFor();
    expect(coordinator.requests.map(({ sampling }) => sampling.temperature)).toEqual([0, 0, 0.8]);
    await page.getByRole('button', { name: 'Earlier version' }).nth(1).click();
    expect(await answers(page).textContent()).toBe('second');
    const leaf = async () => (await kept(page, 'conversations'))[0];
    await expect.poll(async () => (await leaf())?.leaf).toBe((await leaf())?.messages[3]?.id);
    await page.reload();
    await isAnswered(page, 'second');
    await page.getByRole('button', { name: 'Earlier version' }).first().click();
    await isAnswered(page, 'first');
    expect(await page.getByTestId('question').textContent()).toBe('You: one');
    await page.getByTestId('edit').click();
    await page.keyboard.press('Escape');
    expect(await page.getByTestId('editor').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('conversations are listed, found again, and deleted one by one and together', async () => {
    const { page } = await open({ tokens: tokensOf('fine') });
    const entry = (title: string) => page.getByTestId('history').getByTestId('conversation').filter({ hasText: title });
    for (const question of ['river', 'courage', 'moon']) {
      await page.getByTestId('new-conversation').click();
      await ask(page, question);
      await isAnswered(page, 'fine');
      await entry(question).waitFor();
    }
    await entry('river').getByRole('button', { name: 'river' }).first().click();
    await page.getByTestId('question').getByText('river').waitFor();
    await page.getByRole('button', { name: 'Delete “river”' }).click();
    await page.getByRole('button', { name: 'Really delete?' }).click();
    await entry('river').waitFor({ state: 'detached' });
    await page.getByText('Ask the network.').waitFor();
    expect((await kept(page)).map(({ title }) => title).sort()).toEqual(['courage', 'moon']);
    await page.getByRole('button', { name: 'Delete all' }).click();
    await page.getByRole('button', { name: 'Really delete all?' }).click();
    await page.getByText('What you ask is kept here').waitFor();
    expect([await kept(page), await kept(page, 'conversations')]).toEqual([[], []]);
  });

  test('a hundred conversations are kept: one more, and the oldest is forgotten', async () => {
    const { page } = await open({ tokens: tokensOf('fine') });
    await ask(page, 'first');
    await isAnswered(page, 'fine');
    await page.getByTestId('history').getByText('first').waitFor();
    await page.evaluate(async () => {
      const opened = indexedDB.open('blyan-chat');
      await new Promise((resolve) => Object.assign(opened, { onsuccess: resolve }));
      const transaction = opened.result.transaction(['conversations', 'summaries'], 'readwrite');
      for (let at = 0; at < 99; at++) {
        const summary = { id: `c${at}`, title: `c${at}`, updatedAt: 1000 + at };
        transaction.objectStore('summaries').put(summary);
        transaction.objectStore('conversations').put({ ...summary, messages: [], leaf: null });
      }
      await new Promise((resolve) => Object.assign(transaction, { oncomplete: resolve }));
      opened.result.close();
    });
    await page.getByTestId('new-conversation').click();
    await ask(page, 'one more');
    await isAnswered(page, 'fine');
    await page.getByTestId('history').getByText('one more').waitFor();
    const titles = (await kept(page)).map(({ title }) => title);
    expect(titles).toHaveLength(100);
    expect(titles).not.toContain('c0');
    expect(titles).toEqual(expect.arrayContaining(['c1', 'first', 'one more']));
    expect(await kept(page, 'conversations')).toHaveLength(100);
  });

  test('an answer goes on after the page was loaded again in the middle of it', async () => {
    const journal = new JournalNet().join('a');
    const { page, coordinator, complaints } = await open(
      { tokens: tokensOf('a stream of water'), holdAt: 5 },
      { journal },
    );
    await ask(page, 'What is a river?');
    await answers(page).getByText('a str').waitFor();
    coordinator.script = { tokens: tokensOf('a stream of water') };
    await page.reload();
    await isAnswered(page, 'a stream of water');
    // What was computed before is not computed again.
    expect(coordinator.requests.at(-1)?.committedTokens?.length).toBeGreaterThan(0);
    await page.getByTestId('speed').waitFor();
    expect(complaints).toEqual([]);
  });

  test('an answer goes on while another page is shown, and another window watches it', async () => {
    const { page, coordinator, url } = await open({ tokens: tokensOf('a stream of water'), holdAt: 5 });
    await ask(page, 'What is a river?');
    await answers(page).getByText('a str').waitFor();
    await page.getByRole('link', { name: 'Explorer', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Explorer' }).waitFor();
    const other = await page.context().newPage();
    await other.goto(url);
    await other.getByTestId('history').getByText('What is a river?').click();
    await other.getByText('Another window is receiving this answer.').waitFor();
    coordinator.release();
    await isAnswered(other, 'a stream of water');
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await isAnswered(page, 'a stream of water');
    expect(coordinator.requests).toHaveLength(1);
  });

  test('an answer that no gateway knows any more says so, and can be asked for anew', async () => {
    const { page, coordinator } = await open({ tokens: tokensOf('a stream of water'), holdAt: 5 });
    await ask(page, 'What is a river?');
    await answers(page).getByText('a str').waitFor();
    coordinator.script = { tokens: tokensOf('a stream of water') };
    await expect.poll(async () => (await kept(page, 'conversations'))[0]?.messages[1]?.text).toBe('a str');
    // Without a journal nothing can be resumed.
    await page.reload();
    await page.getByText('The rest of this answer is no longer kept.').waitFor();
    expect(await answers(page).textContent()).toBe('a str');
    await page.getByTestId('retry').click();
    await isAnswered(page, 'a stream of water');
  });
});
