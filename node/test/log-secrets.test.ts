import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Browser } from '../../gateway/test/auth/browser.ts';
import { Wallet } from '../../gateway/test/auth/wallet.ts';
import { CHAT, chatBody, startGateway } from '../../gateway/test/harness.ts';
import { tokensOf } from '../../gateway/test/scripted-coordinator.ts';
import { createLogger } from '../src/log/logger.ts';
import { scrub } from '../src/log/scrub.ts';

/** A logger of everything, and what it has written. */
function logs() {
  const stream = new PassThrough();
  const chunks: string[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString('utf8')));
  return { logger: createLogger({ level: 'debug', stream, color: false }), text: () => chunks.join('') };
}

const KEY = `bly_sk_${'A'.repeat(43)}`;
const SIGNATURE = `0x${'ab'.repeat(65)}`;
const HASH = `0x${'ab'.repeat(32)}`;

test.each([
  [`the key ${KEY}.`, 'the key bly_sk_[hidden].'],
  ['{"a":"Authorization: Bearer sk-123 and"}', '{"a":"Authorization: Bearer [hidden] and"}'],
  ['cookie __Host-blyan-session=abc; x=1', 'cookie __Host-blyan-session=[hidden]; x=1'],
  ['"blyan-4700-challenge=abc"', '"blyan-4700-challenge=[hidden]"'],
  [`join blyan1${'c'.repeat(80)} now`, 'join blyan1[hidden] now'],
  [`signed ${SIGNATURE}, block ${HASH}`, `signed 0x[hidden], block ${HASH}`],
  ['no way to postgres://blyan:word@db/ledger', 'no way to postgres://[hidden]@db/ledger'],
  ['the bearer of https://chat.example.org/@someone', 'the bearer [hidden] https://chat.example.org/@someone'],
])('%s', (line, shown) => expect(scrub(line)).toBe(shown));

test('a secret is hidden by its name to the third level, and by its form in sentences, errors and stacks', () => {
  const { logger, text } = logs();
  const error = new Error(`refused ${KEY}`, { cause: new Error(`of postgres://blyan:word@db`) });
  logger.warn(`a client sent ${KEY}`, {
    authorization: 'one-zecret',
    headers: { cookie: 'two-zecret', 'x-api-key': 'three-zecret' },
    request: { body: { signature: 'four-zecret', prompt: 'five-zecret' } },
    error,
    kept: 'seen',
  });
  logger.error('no', { cause: error });
  expect(text()).not.toMatch(/zecret|AAAA|word/);
  const [line] = text().split('\n');
  expect(JSON.parse(line as string)).toMatchObject({
    level: 40,
    msg: 'a client sent bly_sk_[hidden]',
    authorization: '[hidden]',
    headers: { cookie: '[hidden]', 'x-api-key': '[hidden]' },
    kept: 'seen',
  });
});

test('nothing of what people and programs show a gateway is in its log, whatever becomes of it', async () => {
  const { logger, text } = logs();
  const { url, coordinator, post } = await startGateway({ tokens: tokensOf('a stream') }, { logger, auth: 'optional' });
  const browser = new Browser(url);
  const wallet = new Wallet();
  const { message, nonce } = await browser.challenge(wallet);
  const signature = wallet.sign(message);
  expect((await browser.verify(message, wallet.sign(`${message} `))).status).toBe(401);
  expect((await browser.verify(message, signature)).status).toBe(401);
  const again = await browser.challenge(wallet);
  const good = wallet.sign(again.message);
  expect((await browser.verify(again.message, good)).status).toBe(200);
  const { key } = (await browser.fetch('POST', '/auth/keys', { name: 'a name', scopes: ['inference'] })).body;
  const cookies = [...browser.cookies.values()];
  expect(cookies.length).toBeGreaterThan(0);

  const QUESTION = 'what-nobody-else-may-read';
  const body = chatBody({ messages: [{ role: 'user', content: QUESTION }] });
  const answers = [
    await post(CHAT, body, { headers: { authorization: `Bearer ${key}` } }),
    await post(CHAT, { ...body, stream: true }, { headers: { 'x-api-key': key } }),
    await post(CHAT, body, { headers: { authorization: `Bearer ${KEY}` } }),
    await post(CHAT, { ...body, temperature: key }, { headers: { authorization: 'Basic dXNlcjp3b3Jk' } }),
    await post(CHAT, `{"prompt": "${QUESTION}`),
    await fetch(`${url}/v1/models/${key}?token=${signature}`),
  ];
  // A fault of ours whose message quotes what it should not.
  coordinator.script = { refuse: new TypeError(`cannot read ${QUESTION} of ${key}`) };
  answers.push(await post(CHAT, body));
  coordinator.script = { tokens: tokensOf('a stream'), failAt: { index: 2, error: new Error(QUESTION) } };
  answers.push(await post(CHAT, { ...body, stream: true }));
  await Promise.all(answers.map((answer) => answer.text()));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 400, 400, 404, 500, 200]);

  const log = text();
  expect(log.match(/"msg":"answered an HTTP request"/g)?.length).toBeGreaterThan(8);
  expect(log).toContain('"msg":"a request failed"');
  const ids = answers.map(({ headers }) => headers.get('x-request-id') as string);
  const secrets = [
    ...cookies,
    ...ids,
    key,
    KEY,
    nonce,
    again.nonce,
    signature,
    good,
    QUESTION,
    'dXNlcjp3b3Jk',
    'a name',
  ];
  for (const secret of secrets) expect(log).not.toContain(secret);
  expect(log.toLowerCase()).not.toContain(wallet.account);
});
