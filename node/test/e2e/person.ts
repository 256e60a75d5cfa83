import { Browser } from '../../../gateway/test/auth/browser.ts';
import { InjectedWallet } from '../../../gateway/test/auth/injected-wallet.ts';
import { launchChromium } from '../../../gateway/test/page/page-browser.ts';

/** Somebody in front of Chromium with a wallet in it, at the page of a gateway. English. */
export async function personWithWallet(url: string) {
  const chromium = await launchChromium();
  const page = await chromium.newPage({ locale: 'en-US' });
  const wallet = new InjectedWallet();
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await wallet.installIn(page);
  await page.goto(url);

  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const told = (text: string) => page.getByRole('status').getByText(text).waitFor();
  const toAccount = () => page.getByTestId('account-link').click();

  return {
    complaints,
    async signsIn() {
      await toAccount();
      await button('Sign in with MetaMask').click();
      await page.getByTestId('address').getByText(wallet.account.account).waitFor();
    },
    /** @returns the answer, and the nodes that the page says computed it */
    async asks(question: string) {
      await page.getByRole('link', { name: 'Chat', exact: true }).click();
      await page.getByTestId('composer').fill(question);
      await page.keyboard.press('Enter');
      await page.locator('[data-testid=answer][data-status=done]').waitFor();
      const text = await page.getByTestId('answer-text').innerText();
      await page.getByTestId('route-toggle').click();
      const entries = page.getByTestId('route-entry');
      await entries.first().waitFor();
      const peers = await entries.evaluateAll((rows) => rows.map((row) => row.dataset.peer));
      await page.keyboard.press('Escape');
      return { text, peers };
    },
    /** @returns the nodes that the page of the network lists */
    async looksAtTheNetwork() {
      await page.getByRole('link', { name: 'Network', exact: true }).click();
      const nodes = page.getByTestId('node');
      await nodes.first().waitFor();
      return await nodes.evaluateAll((rows) => rows.map((row) => row.dataset.peer));
    },
    /** Goes to the page of a node from that of the network. @returns what it did in the answers that the browser keeps */
    async looksAtTheNode(peer: string) {
      await page.locator(`[data-peer="${peer}"] a`).click();
      await page.getByTestId('registration').locator('[data-testid=proof][data-status=proven]').waitFor();
      const part = page.getByTestId('answers');
      await part.getByRole('row').nth(1).waitFor();
      return await part.innerText();
    },
    /** Goes to the newest block. @returns what the page says of its proof */
    async looksAtTheChain() {
      await page.getByRole('link', { name: 'Explorer', exact: true }).click();
      await page.getByTestId('head').click();
      const proof = page.locator('[data-testid=proof][data-status=proven]');
      await proof.waitFor();
      return await proof.innerText();
    },
    async makesKey(name: string) {
      await toAccount();
      await page.getByLabel('Name', { exact: true }).fill(name);
      await button('Make a key').click();
      const key = (await page.getByTestId('new-key').textContent()) ?? '';
      await button('I have stored it').click();
      return key;
    },
    async revokesKey(name: string) {
      await button(`Revoke ${name}`).click();
      await button('Revoke for good').click();
      await told(`The key “${name}” was revoked.`);
    },
    async signsOut() {
      await button('Sign out').click();
      await told('You are signed out.');
    },
    async endsAllSessionsElsewhere() {
      const phone = new Browser(url);
      await phone.signIn(wallet.account);
      await phone.fetch('DELETE', '/auth/sessions');
    },
    /** As soon as the page is looked at again. */
    async noticesThatItIsOver() {
      await page.evaluate(() => window.dispatchEvent(new Event('focus')));
      await told('This session was ended elsewhere');
    },
    async [Symbol.asyncDispose]() {
      await chromium.close();
    },
  };
}
