import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { CHAT, COMPLETIONS, chatBody, eventsOf, startGateway } from './harness.ts';
import { servedModel, tokensOf } from './scripted-coordinator.ts';

const CONTEXT = 200_000;
/** Each event has a row of 300 logits: about 2 KiB. */
const EVENT_BYTES = 300 * 4 * (4 / 3);
/** What the two sockets of a connection on loopback may hold between them. */
const SOCKET_BYTES = 32 * 1024 * 1024;

const endless = { tokens: Array(CONTEXT).fill(104) };

async function start(options: Parameters<typeof startGateway>[1]) {
  const started = await startGateway(endless, options);
  started.coordinator.served = [servedModel({ contextLength: CONTEXT })];
  return started;
}

/** A client that asks and never reads. */
function deaf(url: string, more: object): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).pause();
  onTestFinished(() => void socket.destroy());
  const body = JSON.stringify({
    model: 'golden',
    prompt: 'a',
    temperature: 0,
    blyan: { return_logits: 'f32' },
    ...more,
  });
  const length = `content-type: application/json\r\ncontent-length: ${body.length}`;
  socket.write(`POST ${COMPLETIONS} HTTP/1.1\r\nhost: ${hostname}\r\n${length}\r\n\r\n${body}`);
  return socket;
}

/** Until the generations do not get on while other requests do. */
async function untilStuck({ coordinator, url }: Awaited<ReturnType<typeof start>>, running: number): Promise<void> {
  for (let before = -1; before !== coordinator.given || coordinator.running < running; ) {
    before = coordinator.given;
    for (let others = 0; others < 20; others++) await fetch(`${url}/healthz`);
  }
}

test('clients that never read hold little, and are cut off while others get their answers', async () => {
  const gateway = await start({ stallTimeoutMs: 1500 });
  const sockets = Array.from({ length: 4 }, () => deaf(gateway.url, { stream: true }));
  await untilStuck(gateway, sockets.length);
  expect(gateway.coordinator.given * EVENT_BYTES).toBeLessThan(sockets.length * SOCKET_BYTES);

  gateway.coordinator.script = { tokens: tokensOf('ab') };
  const response = await gateway.post(CHAT, chatBody({ stream: true }));
  expect((await eventsOf(response)).at(-1)).toBe('[DONE]');

  await expect.poll(() => gateway.coordinator.running, { timeout: 30_000 }).toBe(0);
  // Nothing more comes: what was on its way ends with the connection, not with the answer.
  for (const socket of sockets) {
    let tail = '';
    socket.on('data', (part) => {
      tail = (tail + part.toString('latin1')).slice(-64);
    });
    socket.on('error', () => {});
    socket.resume();
    await once(socket, 'close');
    expect(tail).not.toContain('[DONE]');
  }
});

test('when no slot is free, the client that has stalled longest gives way', async () => {
  const gateway = await start({ stallTimeoutMs: 3_600_000, maxConcurrentAnswers: 2 });
  deaf(gateway.url, { stream: true });
  deaf(gateway.url, { stream: true });
  await untilStuck(gateway, 2);
  // Not at once: a stall of a moment is no fault.
  const refused = await gateway.post(CHAT, chatBody());
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  expect(gateway.coordinator.running).toBe(2);

  const quick = await start({ stallTimeoutMs: 3_000, maxConcurrentAnswers: 2 });
  deaf(quick.url, { stream: true });
  deaf(quick.url, { stream: true });
  await untilStuck(quick, 2);
  quick.coordinator.script = { tokens: tokensOf('ab') };
  await expect.poll(async () => (await quick.post(CHAT, chatBody())).status, { timeout: 30_000 }).toBe(200);
});

test.each([false, true])('what is complete and not taken is not kept for ever (stream: %s)', async (stream) => {
  const accepted = Promise.withResolvers<Socket>();
  const onRequest = (message: unknown) => accepted.resolve((message as { socket: Socket }).socket);
  subscribe('http.server.request.start', onRequest);
  onTestFinished(() => void unsubscribe('http.server.request.start', onRequest));
  const gateway = await start({ stallTimeoutMs: 300 });
  // More than the sockets take, so that the rest of it waits in the gateway.
  const client = deaf(gateway.url, { max_tokens: 40_000, stream });
  const socket = await accepted.promise;
  await once(socket, 'close');
  await expect.poll(() => gateway.coordinator.running, { timeout: 30_000 }).toBe(0);
  expect(client.destroyed).toBe(false);
});
