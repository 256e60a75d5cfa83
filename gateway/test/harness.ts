import { readSse, readSseEvents, type SseEvent } from '@blyan/api';
import { silentLogger } from '@blyan/interface';
import OpenAI from 'openai';
import { onTestFinished } from 'vitest';
import { createGateway, type GatewayDeps, type GatewayOptions } from '../src/index.ts';
import { type Script, ScriptedCoordinator } from './scripted-coordinator.ts';

/** A gateway on a free port of loopback over a scripted coordinator; stopped when the test ends. */
export async function startGateway(script: Script = {}, options: Partial<GatewayOptions & GatewayDeps> = {}) {
  const coordinator = new ScriptedCoordinator();
  coordinator.script = script;
  const gateway = createGateway({
    logger: silentLogger,
    host: '127.0.0.1',
    port: 0,
    version: '0.1.0-test',
    webDir: '/nonexistent',
    ...options,
    coordinator,
  });
  await gateway.start();
  onTestFinished(() => {
    coordinator.release();
    return gateway.stop();
  });
  const url = gateway.address();
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    fetch(url + path, {
      method: 'POST',
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { gateway, coordinator, client, url, post };
}

export const CHAT = '/v1/chat/completions';
export const COMPLETIONS = '/v1/completions';

/** A valid greedy chat request. */
export const chatBody = (more: Record<string, unknown> = {}) => ({
  model: 'golden',
  messages: [{ role: 'user' as const, content: 'What is a river?' }],
  temperature: 0,
  ...more,
});

/** The data of every event of a streamed response, `[DONE]` included. */
export async function eventsOf(response: Response): Promise<string[]> {
  const events: string[] = [];
  for await (const data of readSse(response.body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>))
    events.push(data);
  return events;
}

type Body = ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>;

/** Every event of a streamed response with its id, `[DONE]` included. */
export async function idEventsOf(response: Response): Promise<SseEvent[]> {
  const events: SseEvent[] = [];
  for await (const event of readSseEvents(response.body as Body)) events.push(event);
  return events;
}
