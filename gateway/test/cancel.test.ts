import { once } from 'node:events';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { CHAT, COMPLETIONS, chatBody, eventsOf, startGateway } from './harness.ts';
import { servedModel, tokensOf } from './scripted-coordinator.ts';

const LONG = { tokens: tokensOf('abcdefgh'), holdAt: 4 };
const gone = { code: 'ERR_GATEWAY_CLIENT_GONE' };

test('leaving the loop of the openai client aborts the generation', async () => {
  const { client, coordinator } = await startGateway(LONG);
  const stream = await client.chat.completions.create({ ...chatBody(), stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content === 'b') break;
  expect(await coordinator.aborted).toMatchObject(gone);
  expect(coordinator.given).toBeLessThanOrEqual(4);
});

test('so does stream.abort()', async () => {
  const { client, coordinator } = await startGateway(LONG);
  const stream = client.chat.completions.stream({ ...chatBody(), stream: true });
  stream.on('content', () => stream.abort());
  await expect(stream.done()).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
  expect(await coordinator.aborted).toMatchObject(gone);
});

test('a client that gives up on a whole answer aborts it', async () => {
  const { client, coordinator, url } = await startGateway(LONG);
  const controller = new AbortController();
  const asked = client.chat.completions
    .create(chatBody(), { signal: controller.signal })
    .catch((error: unknown) => error);
  while (coordinator.given < 4) await fetch(`${url}/healthz`);
  controller.abort();
  expect(await asked).toBeInstanceOf(OpenAI.APIUserAbortError);
  expect(await coordinator.aborted).toMatchObject(gone);
});

test('a client that reads nothing and then goes leaves no generation behind', async () => {
  const { coordinator, url } = await startGateway({ tokens: Array(200_000).fill(104) });
  coordinator.served = [servedModel({ contextLength: 200_000 })];
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).pause();
  const blyan = { return_logits: 'f32' };
  const body = JSON.stringify({ model: 'golden', prompt: 'a', temperature: 0, stream: true, blyan });
  const length = `content-type: application/json\r\ncontent-length: ${body.length}`;
  socket.write(`POST ${COMPLETIONS} HTTP/1.1\r\nhost: ${hostname}\r\n${length}\r\n\r\n${body}`);
  // The buffers between them are full when the generation does not get on while other requests do.
  for (let before = -1; before !== coordinator.given || before === 0; ) {
    before = coordinator.given;
    for (let others = 0; others < 20; others++) await fetch(`${url}/healthz`);
  }
  expect(coordinator.running).toBe(1);
  socket.destroy();
  expect(await coordinator.aborted).toMatchObject(gone);
  await expect.poll(() => coordinator.running).toBe(0);
});

test('a slot is free again after a cancel, and more answers than slots are refused with 429', async () => {
  const { client, coordinator, post } = await startGateway(LONG, { maxConcurrentAnswers: 1 });
  const controller = new AbortController();
  const first = await post(CHAT, chatBody({ stream: true }), { signal: controller.signal });
  const refused = await post(CHAT, chatBody({ stream: true }));
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toMatchObject({
    error: { type: 'rate_limit_error', code: 'ERR_GATEWAY_TOO_MANY_ANSWERS' },
  });
  const error = await client.chat.completions.create(chatBody()).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(OpenAI.RateLimitError);
  controller.abort();
  await first.text().catch(() => {});
  await coordinator.aborted;
  coordinator.script = { tokens: tokensOf('ok') };
  let status = 429;
  while (status === 429) status = (await post(CHAT, chatBody())).status;
  expect(status).toBe(200);
});

test('stop lets a short answer finish', async () => {
  const { gateway, coordinator, post } = await startGateway({ ...LONG, holdAt: 2 }, { drainMs: 60_000 });
  const response = await post(CHAT, chatBody({ stream: true }));
  const stopped = gateway.stop();
  coordinator.release();
  expect((await eventsOf(response)).at(-1)).toBe('[DONE]');
  await stopped;
});

test.each([false, true])('stop ends open streams with an error event (deaf coordinator: %s)', async (isDeaf) => {
  const { gateway, post } = await startGateway({ ...LONG, isDeaf }, { drainMs: 20 });
  const response = await post(CHAT, chatBody({ stream: true }));
  const [events] = await Promise.all([eventsOf(response), gateway.stop()]);
  expect(JSON.parse(events.at(-1) ?? '')).toMatchObject({
    error: { type: 'overloaded_error', code: 'ERR_GATEWAY_STOPPING' },
  });
});

test('while it drains a gateway is not ready and takes no new answers', async () => {
  const { gateway, coordinator, url, post } = await startGateway({ ...LONG, holdAt: 1 }, { drainMs: 60_000 });
  const streaming = await post(CHAT, chatBody({ stream: true }));
  // A request whose headers are there before the stop and whose body comes after it: its connection is not idle.
  const { request } = await import('node:http');
  const late = request(`${url}${CHAT}`, { method: 'POST', headers: { 'content-type': 'application/json' } });
  late.flushHeaders();
  await once(late, 'socket').then(([socket]) => (socket.connecting ? once(socket, 'connect') : undefined));
  await fetch(`${url}/healthz`);
  const stopped = gateway.stop();
  // Whoever comes now is told so, not left before a closed door, and is to come on another connection the next time.
  const refused = await post(CHAT, chatBody());
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(refused.headers.get('connection')).toBe('close');
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  late.end(JSON.stringify(chatBody()));
  const [answer] = await once(late, 'response');
  expect(answer.statusCode).toBe(503);
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part);
  expect(JSON.parse(Buffer.concat(parts).toString())).toMatchObject({ error: { code: 'ERR_GATEWAY_STOPPING' } });
  coordinator.release();
  await streaming.text();
  await stopped;
});
