import { randomBytes } from 'node:crypto';
import { readSseEvents, type SseEvent } from '@blyan/api';
import { type AnswerJournal, AppError } from '@blyan/interface';
import { describe, expect, test } from 'vitest';
import { JournalNet } from '../../packages/p2p/test/journal-net.ts';
import { CHAT, COMPLETIONS, chatBody, idEventsOf, startGateway } from './harness.ts';
import { type Script, tokensOf } from './scripted-coordinator.ts';

const resumePath = (id: string, after?: number) =>
  `/api/v1/requests/${id}/stream${after === undefined ? '' : `?after=${after}`}`;

/** Two gateways of one network over the same model. */
async function twoGateways(script: Script = {}) {
  const net = new JournalNet();
  const journals = { a: net.join('a'), b: net.join('b') };
  const a = await startGateway(script, { journal: journals.a });
  const { holdAt: _, failAt: __, ...whole } = script;
  const b = await startGateway(whole, { journal: journals.b });
  /** The first gateway and its node are gone; what it had sent by then is at the other one. */
  const lose = async () => {
    await journals.a.settled();
    net.kill('a');
  };
  return { a, b, journals, lose };
}

/** The first `count` events; then the connection is closed by the client. */
async function beginning(response: Response, count: number): Promise<SseEvent[]> {
  const events: SseEvent[] = [];
  const body = response.body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>;
  for await (const event of readSseEvents(body)) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

const idOf = (response: Response) => response.headers.get('x-request-id') ?? '';
const withoutName = ({ data, lastEventId }: SseEvent) => ({
  lastEventId,
  data: data.replace(/"id":"[^"]*"/, '').replace(/"created":\d+/, ''),
});

const text = tokensOf('é stop 강 stopped STOP here');
const usage = { stream_options: { include_usage: true } };
const chat = (more: object = {}) => [CHAT, chatBody({ stream: true, ...usage, ...more })] as const;
const prompt = (more: object = {}) =>
  [COMPLETIONS, { model: 'golden', prompt: 'a', temperature: 0, stream: true, ...usage, ...more }] as const;

describe('another gateway sends exactly the events that are missing', () => {
  test.each([
    ['a chat', ...chat()],
    ['a completion', ...prompt()],
    ['token ids', ...chat({ blyan: { return_token_ids: true } })],
    ['a stop string', ...prompt({ stop: ['pped ST', 'STOP'] })],
    ['log probabilities', ...chat({ logprobs: true, top_logprobs: 2, stop: 'STOP' })],
    ['logits', ...prompt({ blyan: { return_logits: 'sha256' } })],
    ['a limit', ...prompt({ max_tokens: 7 })],
    ['sampling', ...prompt({ temperature: 1, top_k: Number.MAX_SAFE_INTEGER, seed: 5, max_tokens: 12 })],
  ])('of %s that was complete, behind any event', async (_name, path, body) => {
    const { a, b, lose } = await twoGateways({ tokens: text });
    const response = await a.post(path, body);
    const events = await idEventsOf(response);
    const named = events.filter(({ data }) => data !== '[DONE]');
    expect(new Set(named.map(({ lastEventId }) => lastEventId)).size).toBe(named.length);
    await lose();
    for (const [index, { lastEventId }] of named.entries()) {
      const rest = await fetch(b.url + resumePath(idOf(response), Number(lastEventId)));
      expect(rest.headers.get('x-request-id')).toBe(idOf(response));
      const wanted = Number(lastEventId) === 0 ? events : events.slice(index + 1);
      expect((await idEventsOf(rest)).map(({ data }) => data)).toEqual(wanted.map(({ data }) => data));
    }
  });

  test.each([
    ['a chat', 6, ...chat()],
    ['token ids', 9, ...chat({ blyan: { return_token_ids: true } })],
    ['a stop string half seen', 22, ...prompt({ stop: ['pped STOP'] })],
    ['log probabilities', 10, ...chat({ logprobs: true, stop: 'STOP' })],
    ['logits', 4, ...prompt({ blyan: { return_logits: 'sha256' } })],
    ['sampling', 5, ...prompt({ temperature: 1, seed: 5, max_tokens: 12 })],
  ])('of %s that broke off at token %i, behind any event', async (_name, holdAt, path, body) => {
    const { a, b, lose } = await twoGateways({ tokens: text, holdAt });
    const undisturbed = (await idEventsOf(await b.post(path, body))).map(withoutName);
    const response = await a.post(path, body);
    while (a.coordinator.given < holdAt) await fetch(`${a.url}/healthz`);
    const behind = undisturbed.filter(({ data, lastEventId }) => data !== '[DONE]' && Number(lastEventId) <= holdAt);
    const seen = (await beginning(response, behind.length)).map(withoutName);
    expect(seen).toEqual(behind);
    await lose();
    for (let count = seen.length; count > 0; count--) {
      const after = Number(seen[count - 1]?.lastEventId);
      const rest = await idEventsOf(await fetch(b.url + resumePath(idOf(response), after)));
      const kept = after === 0 ? [] : seen.slice(0, count);
      expect([...kept, ...rest.map(withoutName)].map(({ data }) => data)).toEqual(undisturbed.map(({ data }) => data));
    }
  });

  test('when its journal lags behind what the client has seen', async () => {
    const { a, b, journals, lose } = await twoGateways({ tokens: text, holdAt: 10 });
    const undisturbed = (await idEventsOf(await b.post(...chat()))).map(withoutName);
    const response = await a.post(...chat());
    const seen = await beginning(response, 8);
    await lose();
    const lagging: AnswerJournal = {
      open: (...args) => journals.b.open(...args),
      find: async (...args) => {
        const kept = await journals.b.find(...args);
        return kept && { ...kept, tokens: kept.tokens.slice(0, 3) };
      },
    };
    const c = await startGateway({ tokens: text }, { journal: lagging });
    const rest = await idEventsOf(await fetch(c.url + resumePath(idOf(response), Number(seen.at(-1)?.lastEventId))));
    expect([...seen, ...rest].map(withoutName)).toEqual(undisturbed);
    expect(c.coordinator.requests[0]?.committedTokens).toEqual(text.slice(0, 2));
  });
});

test('what was known is not computed again, except the last token', async () => {
  const { a, b, lose } = await twoGateways({ tokens: text, holdAt: 10 });
  const response = await a.post(...chat());
  while (a.coordinator.given < 10) await fetch(`${a.url}/healthz`);
  const seen = await beginning(response, 6);
  await lose();
  const rest = await fetch(b.url + resumePath(idOf(response), Number(seen.at(-1)?.lastEventId)));
  expect((await idEventsOf(rest)).at(-1)?.data).toBe('[DONE]');
  const [first] = a.coordinator.requests;
  const [second] = b.coordinator.requests;
  expect(second).toMatchObject({ committedTokens: text.slice(0, 9), promptTokens: first?.promptTokens });
  expect(second?.requestId).not.toBe(first?.requestId);
  expect([first?.requestId, second?.requestId]).not.toContain(idOf(response));
  expect(b.coordinator.given).toBe(text.length - 9);

  // The end is kept as well: the next one needs no generation.
  const again = await fetch(b.url + resumePath(idOf(response)));
  expect((await idEventsOf(again)).at(-1)?.data).toBe('[DONE]');
  expect(b.coordinator.requests).toHaveLength(1);
});

test('Last-Event-ID says the same as after, and wins over it', async () => {
  const { a, b, lose } = await twoGateways({ tokens: tokensOf('abc') });
  const response = await a.post(...chat());
  const events = await idEventsOf(response);
  await lose();
  const resume = (headers: Record<string, string>, after?: number) =>
    fetch(b.url + resumePath(idOf(response), after), { headers }).then(idEventsOf);
  expect(await resume({ 'last-event-id': '2' })).toEqual(events.slice(3));
  expect(await resume({ 'last-event-id': '2' }, 0)).toEqual(events.slice(3));
  expect(await resume({})).toEqual(events);
});

test('a stream whose nodes failed goes on at the same gateway', async () => {
  class PeerError extends AppError {}
  const error = new PeerError('ERR_X_PEER_GONE', 'A node is gone.', { kind: 'peer' });
  const { a } = await twoGateways({ tokens: tokensOf('abcdef'), failAt: { index: 3, error } });
  const response = await a.post(...chat());
  const events = await idEventsOf(response);
  expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ error: { type: 'shard_unavailable' } });
  a.coordinator.script = { tokens: tokensOf('abcdef') };
  const rest = await idEventsOf(await fetch(a.url + resumePath(idOf(response), 3)));
  const content = ({ data }: SseEvent) => JSON.parse(data).choices[0]?.delta?.content ?? '';
  expect([...events.slice(0, -1), ...rest.slice(0, -1)].map(content).join('')).toBe('abcdef');
});

test('who resumes an answer that is being streamed takes it over', async () => {
  const { a } = await twoGateways({ tokens: tokensOf('abcdef'), holdAt: 3 });
  const response = await a.post(...chat());
  const first = idEventsOf(response);
  while (a.coordinator.given < 3) await fetch(`${a.url}/healthz`);
  a.coordinator.script = { tokens: tokensOf('abcdef') };
  const second = await idEventsOf(await fetch(a.url + resumePath(idOf(response), 2)));
  const content = ({ data }: SseEvent) => JSON.parse(data).choices[0]?.delta?.content ?? '';
  expect(second.slice(0, -1).map(content).join('')).toBe('cdef');
  expect(JSON.parse((await first).at(-1)?.data ?? '')).toMatchObject({
    error: { code: 'ERR_GATEWAY_ANSWER_TAKEN_OVER' },
  });
  await expect.poll(() => a.coordinator.running, { timeout: 30_000 }).toBe(0);
});

describe('what is not to be had', () => {
  const refusal = async (response: Response) => ({ status: response.status, body: await response.json() });

  test('unknown, foreign and unstreamed answers look alike, here and at another gateway', async () => {
    const { a, b, journals } = await twoGateways({ tokens: tokensOf('abc') });
    const headers = { authorization: 'Bearer mine' };
    const mine = await a.post(...chat(), { headers });
    await mine.text();
    const whole = await a.post(CHAT, chatBody(), { headers });
    await whole.text();
    const several = await a.post(COMPLETIONS, { ...prompt()[1], prompt: ['a', 'b'] }, { headers });
    const events = await idEventsOf(several);
    expect(events.every(({ lastEventId }) => lastEventId === '')).toBe(true);
    await journals.a.settled();
    const asked: [string, Record<string, string>][] = [
      [randomBytes(16).toString('hex'), headers],
      [idOf(mine), {}],
      [idOf(mine), { authorization: 'Bearer other' }],
      [idOf(mine), { authorization: 'Basic mine' }],
      [idOf(whole), headers],
      [idOf(several), headers],
    ];
    for (const { url } of [a, b]) {
      const refusals = await Promise.all(
        asked.map(async ([id, more]) => refusal(await fetch(url + resumePath(id), { headers: more }))),
      );
      expect(refusals[0]).toMatchObject({ status: 404, body: { error: { code: 'answer_not_found' } } });
      expect(new Set(refusals.map((one) => JSON.stringify(one))).size).toBe(1);
      expect((await fetch(url + resumePath(idOf(mine)), { headers })).status).toBe(200);
    }
  });

  test('a malformed id or position is refused with 400', async () => {
    const { a } = await twoGateways();
    const id = randomBytes(16).toString('hex');
    for (const wrong of ['x', id.slice(1), `${id}0`, id.toUpperCase(), '%00'.repeat(10)]) {
      const { status, body } = await refusal(await fetch(a.url + resumePath(wrong)));
      expect([status, body.error.code]).toEqual([400, 'ERR_GATEWAY_REQUEST_INVALID']);
    }
    for (const after of ['-1', '1.5', 'x', '99999999', '2097153']) {
      const { status, body } = await refusal(await fetch(`${a.url}${resumePath(id)}?after=${after}`));
      expect([status, body.error.param]).toEqual([400, 'after']);
      const headers = { 'last-event-id': after };
      expect((await fetch(a.url + resumePath(id), { headers })).status).toBe(400);
    }
    const methods = await fetch(a.url + resumePath(id), { method: 'POST', body: '{}' });
    expect([methods.status, methods.headers.get('allow')]).toEqual([405, 'GET']);
    expect((await fetch(a.url + resumePath(id), { method: 'HEAD' })).status).toBe(405);
  });

  test('a request that was refused left nothing behind', async () => {
    const { a, journals } = await twoGateways({ refuse: new Error('boom') });
    const response = await a.post(...chat());
    expect(response.status).toBe(500);
    await journals.a.settled();
    expect(journals.b.kept.entryCount).toBe(0);
    expect((await fetch(a.url + resumePath(idOf(response)))).status).toBe(404);
  });

  test('logits go to this machine only', async () => {
    const { a } = await twoGateways();
    const response = await a.post(...prompt({ blyan: { return_logits: 'sha256' } }));
    await response.text();
    const headers = { 'x-forwarded-for': '192.0.2.1' };
    expect((await fetch(a.url + resumePath(idOf(response)), { headers })).status).toBe(403);
  });

  test('without a journal nothing is resumed', async () => {
    const { url, post } = await startGateway();
    const response = await post(...chat());
    await response.text();
    expect((await fetch(url + resumePath(idOf(response)))).status).toBe(404);
  });
});

test('no log has an id that an answer could be resumed by', async () => {
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(message + JSON.stringify(fields));
  const logger = { debug: log, info: log, warn: log, error: log };
  const journal = new JournalNet().join('a');
  const { url, post } = await startGateway({ failAt: { index: 2, error: new Error('boom') } }, { journal, logger });
  const response = await post(...chat());
  await response.text();
  await (await fetch(url + resumePath(idOf(response)))).text();
  expect(lines.filter((line) => line.includes('a request failed'))).toHaveLength(2);
  expect(lines.filter((line) => line.includes(idOf(response)))).toEqual([]);
  expect(lines.filter((line) => line.includes(idOf(response).slice(0, 8)))).not.toEqual([]);
});

test('a page of any origin may resume', async () => {
  const { a } = await twoGateways();
  const response = await a.post(...chat());
  await response.text();
  const rest = await fetch(a.url + resumePath(idOf(response)), { headers: { origin: 'https://app.example' } });
  expect(rest.headers.get('access-control-allow-origin')).toBe('*');
  await rest.text();
});
