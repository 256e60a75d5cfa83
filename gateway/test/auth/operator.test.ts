import { ApiClient, keyList } from '@blyan/api';
import { expect, test } from 'vitest';
import { CHAT, chatBody, startGateway } from '../harness.ts';

const TOKEN = 'a-token-of-the-operator';
const KEYS = '/api/v1/operator/keys';
const ACCOUNT = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const OTHER = `0x${'1'.repeat(40)}`;
const wanted = { name: 'the website', scopes: ['inference'] as const, expiresInDays: 90 };

async function start(options: object = {}) {
  const found = await startGateway({}, { auth: 'required', operatorToken: TOKEN, ...options });
  const { operator } = new ApiClient({ baseUrl: found.url, apiKeyOf: () => TOKEN });
  const chat = (key: string) => found.post(CHAT, chatBody(), { headers: { authorization: `Bearer ${key}` } });
  return { ...found, operator, chat };
}

test('the operator makes, lists and ends keys of accounts that never signed in', async () => {
  const { operator, chat } = await start();
  const { key, ...made } = await operator.createKey(ACCOUNT, wanted);
  expect((await chat(key)).status).toBe(200);
  const other = await operator.createKey(OTHER, { ...wanted, expiresInDays: null });
  expect(other.expiresAt).toBeNull();

  const { data } = await operator.keys();
  expect(data.map(({ account }) => account).sort()).toEqual([OTHER, ACCOUNT.toLowerCase()]);
  expect((await operator.keys(ACCOUNT)).data).toMatchObject([{ id: made.id, name: 'the website' }]);
  expect(JSON.stringify(data)).not.toContain(key);
  expect(keyList.parse({ data }).data).toHaveLength(2);

  expect(await operator.revokeKey(OTHER, made.id)).toBe(false);
  expect(await operator.revokeKey(ACCOUNT, made.id)).toBe(true);
  expect(await operator.revokeKey(ACCOUNT, made.id)).toBe(false);
  expect((await chat(key)).status).toBe(401);
  expect((await chat(other.key)).status).toBe(200);
});

test('nobody else does: not without the token, not with a key, and no gateway without one', async () => {
  const { url, operator, post } = await start();
  const { key } = await operator.createKey(ACCOUNT, { ...wanted, scopes: ['inference', 'account'] });
  for (const authorization of ['', `Bearer ${key}`, `Bearer ${TOKEN}x`]) {
    const headers = { authorization };
    expect((await fetch(url + KEYS, { headers })).status).toBe(401);
    expect((await post(KEYS, { account: ACCOUNT, ...wanted }, { headers })).status).toBe(401);
    const path = `${KEYS}/0123456789abcdef?account=${ACCOUNT}`;
    expect((await fetch(url + path, { method: 'DELETE', headers })).status).toBe(401);
  }
  const bare = await start({ operatorToken: undefined });
  for (const authorization of [`Bearer ${TOKEN}`, 'Bearer '])
    expect((await fetch(bare.url + KEYS, { headers: { authorization } })).status).toBe(401);
});

test('what is no account, id, name or scope is refused by name', async () => {
  const { url, post } = await start();
  const headers = { authorization: `Bearer ${TOKEN}` };
  const param = async (response: Response) => [response.status, (await response.json()).error?.param ?? null];
  expect(await param(await post(KEYS, wanted, { headers }))).toEqual([400, 'account']);
  expect(await param(await post(KEYS, { ...wanted, account: '0x1' }, { headers }))).toEqual([400, 'account']);
  expect(await param(await post(KEYS, { ...wanted, account: OTHER, scopes: ['all'] }, { headers }))).toEqual([
    400,
    'scopes.0',
  ]);
  expect(await param(await fetch(`${url}${KEYS}?account=0x1`, { headers }))).toEqual([400, 'account']);
  const path = `${url}${KEYS}/0123456789abcdef`;
  expect(await param(await fetch(path, { method: 'DELETE', headers }))).toEqual([400, 'account']);
});

test('a gateway that looks at no keys makes none', async () => {
  const { operator } = await start({ auth: 'off' });
  await expect(operator.createKey(ACCOUNT, wanted)).rejects.toMatchObject({
    meta: { serverCode: 'ERR_GATEWAY_SIGN_IN_UNAVAILABLE' },
  });
});
