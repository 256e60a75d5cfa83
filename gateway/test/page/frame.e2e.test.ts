import { describe, expect, test } from 'vitest';
import { executablePath, pageBrowser } from './page-browser.ts';

describe.skipIf(executablePath === undefined)('the pages in Chromium', () => {
  const open = pageBrowser();

  test('each page is gone to without loading anew, tells its name, takes the focus, and is there after a reload', async () => {
    const { page, complaints } = await open({});
    const arrived = async (name: string) => {
      await page.getByRole('heading', { level: 1, name }).waitFor();
      expect(await page.title()).toBe(`${name} · Blyan`);
    };
    for (const name of ['Network', 'Explorer', 'Account']) {
      await page.getByRole('link', { name }).click();
      await arrived(name);
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
      expect(await page.getByRole('link', { name }).getAttribute('aria-current')).toBe('page');
    }
    await page.reload();
    await arrived('Account');
    await page.goBack();
    await arrived('Explorer');
    // This gateway has no chain, and says so with a 503.
    expect(complaints.filter((text) => !text.includes('503'))).toEqual([]);
  });

  test('what is loaded until the first page is there is less than 150 kB', async () => {
    const { page } = await open({});
    const sizes = await page.evaluate(() =>
      (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter(({ name }) => name.includes('/assets/'))
        .map(({ encodedBodySize }) => encodedBodySize),
    );
    expect(sizes.length).toBeGreaterThan(1);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(150_000);
    expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThan(50_000);
  });

  test('the language is the browser’s, until another one is chosen, which is remembered', async () => {
    const { page } = await open({}, { path: '/network', browser: { locale: 'ko-KR' } });
    const lang = () => page.evaluate(() => document.documentElement.lang);
    await page.getByRole('heading', { level: 1, name: '네트워크' }).waitFor();
    expect(await lang()).toBe('ko');
    await page.getByTestId('language').selectOption('en');
    await page.getByRole('heading', { level: 1, name: 'Network' }).waitFor();
    expect(await lang()).toBe('en');
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Network' }).waitFor();
    expect(await lang()).toBe('en');
  });
});
