import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { API_ROUTES } from '@blyan/api';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { EXAMPLES } from '../src/openapi/operations.ts';
import { CHAT, COMPLETIONS, chatBody, eventsOf, startGateway } from './harness.ts';
import { MemoryLedger } from './metering/ledger-fixture.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const MESSAGES = [{ role: 'user', content: 'What is a river?' }];
const GREEDY = { temperature: 0 };

interface Document {
  readonly paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, object> }> }>>;
  readonly components: object;
}

async function openGateway() {
  const gateway = await startGateway({}, { version, ledger: await new MemoryLedger().open() });
  known ??= (await (await fetch(`${gateway.url}/openapi.json`)).json()) as Document;
  return { ...gateway, document: known };
}

// Checks are compiled once for each schema.
let known: Document | undefined;
const ajv = new Ajv2020({ strict: false, validateFormats: false });

function judge(document: Document, steps: readonly string[], body: unknown) {
  if (!ajv.getSchema('api')) ajv.addSchema(document, 'api');
  const pointer = steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const validate = ajv.getSchema(`api#/${pointer}`);
  if (validate === undefined) throw new Error(`the document has nothing at ${pointer}`);
  return validate(body) ? null : validate.errors;
}

/** Why a body is not what the document says of it; null when it is. */
function complaints(document: Document, [method, path, status, type]: [string, string, string, string], body: unknown) {
  return judge(document, ['paths', path, method, 'responses', status, 'content', type, 'schema'], body);
}

// `npm run openapi` writes it anew.
test('docs/openapi.json is what the routes say', async () => {
  const { document } = await openGateway();
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot(DOCUMENT);
});

test('the document is OpenAPI 3.1', async () => {
  const { document } = await openGateway();
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document) as never);
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe('3.1');
});

test('every route is in it, with every method, and nothing else', async () => {
  const { document } = await openGateway();
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = Object.values(API_ROUTES).flatMap(({ path, methods }) =>
    methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${path}`),
  );
  const plain = (name: string) => name.replace(/:\w+|\*|\{\w+\}/g, '_');
  expect(described.map(plain).sort()).toEqual(served.map(plain).sort());
});

const FAMILIES: [string, object][] = [
  [CHAT, chatBody({ logprobs: true, top_logprobs: 2 })],
  [COMPLETIONS, { model: 'golden', prompt: ['a', 'b'], logprobs: 1, ...GREEDY }],
  ['/v1/responses', { model: 'golden', input: 'What is a river?', ...GREEDY }],
  ['/v1/messages', { model: 'golden', messages: MESSAGES, max_tokens: 20, ...GREEDY }],
  ['/api/chat', { model: 'golden', messages: MESSAGES, stream: false, options: GREEDY }],
  ['/api/generate', { model: 'golden', prompt: 'What is a river?', stream: false, options: GREEDY }],
];

test.each(FAMILIES)('POST %s answers as the document says, whole and streamed', async (path, body) => {
  const { document, post } = await openGateway();
  const whole = await post(path, body);
  expect(whole.status).toBe(200);
  expect(complaints(document, ['post', path, '200', 'application/json'], await whole.json())).toBeNull();

  const stream = await post(path, { ...body, stream: true });
  const [type = ''] = (stream.headers.get('content-type') ?? '').split(';');
  const parts = type === 'text/event-stream' ? await eventsOf(stream) : (await stream.text()).trim().split('\n');
  const read = parts.filter((part) => part !== '[DONE]').map((part) => JSON.parse(part));
  expect(read.length).toBeGreaterThan(1);
  for (const part of read) expect(complaints(document, ['post', path, '200', type], part)).toBeNull();

  const wrong = await post(path, { ...body, model: 7 });
  expect(wrong.status).toBe(400);
  expect(complaints(document, ['post', path, 'default', 'application/json'], await wrong.json())).toBeNull();
});

test('an answer that is not as the document says is found', async () => {
  const { document } = await openGateway();
  const place: [string, string, string, string] = ['post', CHAT, '200', 'application/json'];
  expect(complaints(document, place, { id: 'chatcmpl-1' })).not.toBeNull();
});

test('what the document says of a request is what the gateway takes', async () => {
  const { document, post } = await openGateway();
  const place = ['paths', CHAT, 'post', 'requestBody', 'content', 'application/json', 'schema'];
  const says = (body: unknown) => judge(document, place, body) === null;
  for (const body of [
    chatBody(),
    chatBody({ stop: 'x' }),
    chatBody({ stop: ['x', 'y'] }),
    chatBody({ stop: ['a', 'b', 'c', 'd', 'e'] }),
    chatBody({ messages: [] }),
    chatBody({ messages: [{ role: 'nobody', content: 'x' }] }),
    chatBody({ temperature: 3 }),
    chatBody({ temperature: null }),
    chatBody({ blyan: { plan: 'best' } }),
    { messages: MESSAGES },
  ])
    expect([body, says(body)]).toEqual([body, (await post(CHAT, body)).status === 200]);
});

test.each(Object.entries(EXAMPLES))('the example of %s is answered', async (name, example) => {
  const [, path = ''] = name.split(' ');
  const { document, post } = await openGateway();
  expect(
    judge(document, ['paths', path, 'post', 'requestBody', 'content', 'application/json', 'schema'], example),
  ).toBeNull();
  expect((await post(path, { ...example, model: 'golden' })).status).toBe(200);
});

test('the viewer loads nothing from elsewhere and needs nothing inline', async () => {
  const { url } = await openGateway();
  const page = await fetch(`${url}/docs`);
  const html = await page.text();
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source = '']) => source);
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) {
    expect(source).toMatch(/^\/docs\//);
    expect((await fetch(url + source)).status).toBe(200);
  }
  expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style=/);
  expect(await (await fetch(`${url}/docs/json`)).json()).toEqual(await (await fetch(`${url}/openapi.json`)).json());
});
