import type { IncomingMessage } from 'node:http';
import { readSseEvents, SSE_DONE } from '@blyan/api';
import { textOf } from './http.ts';
import type { Orders } from './messages.ts';

/** How one kind of client asks and reads. */
export interface Family {
  readonly name: string;
  readonly path: string;
  readonly body: (question: string, orders: Orders) => object;
  /** The text of the answer. */
  readonly read: (response: IncomingMessage, progress: Progress) => Promise<string>;
  /** Its streams go on behind the last event. */
  readonly canResume?: boolean;
}

/** Where a stream is, kept over the connections that it comes by. */
export interface Progress {
  text: string;
  position: string;
}

/** The last event of a stream that broke. */
export class BrokenStream extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`the stream ended with ${code}`);
    this.code = code;
  }
}

const chat = (question: string) => [{ role: 'user', content: question }];

export const FAMILIES: readonly Family[] = [
  {
    name: 'chat, streamed',
    path: '/v1/chat/completions',
    canResume: true,
    body: (question, { model, tokens }) => ({
      ...{ model, messages: chat(question), max_tokens: tokens, temperature: 0, stream: true },
    }),
    read: async (response, progress) => {
      for await (const { data, lastEventId } of readSseEvents(response)) {
        if (data === SSE_DONE) return progress.text;
        const chunk = JSON.parse(data);
        if (chunk.error !== undefined) throw new BrokenStream(chunk.error.code);
        progress.text += chunk.choices?.[0]?.delta?.content ?? '';
        progress.position = lastEventId;
      }
      throw new BrokenStream('no end');
    },
  },
  {
    name: 'chat, whole',
    path: '/v1/chat/completions',
    body: (question, { model, tokens }) => ({ model, messages: chat(question), max_tokens: tokens, temperature: 0 }),
    read: async (response) => JSON.parse(await textOf(response)).choices[0].message.content,
  },
  {
    name: 'messages, streamed',
    path: '/v1/messages',
    body: (question, { model, tokens }) => ({
      ...{ model, messages: chat(question), max_tokens: tokens, temperature: 0, stream: true },
    }),
    read: async (response) => {
      let text = '';
      for await (const { data } of readSseEvents(response)) {
        const event = JSON.parse(data);
        if (event.type === 'error') throw new BrokenStream(event.error.message);
        if (event.type === 'content_block_delta') text += event.delta.text;
        if (event.type === 'message_stop') return text;
      }
      throw new BrokenStream('no end');
    },
  },
  {
    name: 'ollama, streamed',
    path: '/api/chat',
    body: (question, { model, tokens }) => ({
      ...{ model, messages: chat(question), options: { temperature: 0, num_predict: tokens } },
    }),
    read: async (response) => {
      const lines = (await textOf(response)).trimEnd().split('\n');
      const chunks = lines.map((line) => JSON.parse(line));
      const last = chunks.at(-1);
      if (last.error !== undefined) throw new BrokenStream(last.error);
      if (last.done !== true) throw new BrokenStream('no end');
      return chunks.map(({ message }) => message?.content ?? '').join('');
    },
  },
  {
    name: 'responses, whole',
    path: '/v1/responses',
    body: (question, { model, tokens }) => ({ model, input: question, max_output_tokens: tokens, temperature: 0 }),
    read: async (response) => JSON.parse(await textOf(response)).output[0].content[0].text,
  },
];
