import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  API_LIMITS,
  chatCompletionRequest,
  completionRequest,
  findUnsupportedInChat,
  findUnsupportedInCompletion,
} from '../src/index.ts';

const fields = [
  'model',
  'messages',
  'prompt',
  'stream',
  'stop',
  'seed',
  'temperature',
  'top_p',
  'top_k',
  'n',
  'max_tokens',
];
const more = [
  'logprobs',
  'top_logprobs',
  'blyan',
  'tools',
  'response_format',
  'logit_bias',
  'stream_options',
  'content',
];
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom(null, -0, 1e308, '', '\ud800', [], {}, [[]], '__proto__'),
);
const anyBody = fc.oneof(odd, fc.dictionary(fc.constantFrom(...fields, ...more), odd));

const text = fc.string({ unit: 'binary' });
const validChat = fc.record(
  {
    model: fc.string({ minLength: 1 }),
    messages: fc.array(
      fc.record({
        role: fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool'),
        content: fc.oneof(text, fc.array(fc.record({ type: fc.constant('text'), text }), { maxLength: 4 })),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    stream: fc.option(fc.boolean()),
    temperature: fc.option(fc.double({ min: 0, max: 2, noNaN: true })),
    top_p: fc.option(fc.double({ min: 0.01, max: 1, noNaN: true })),
    seed: fc.option(fc.maxSafeInteger()),
    stop: fc.option(fc.oneof(fc.string({ minLength: 1 }), fc.array(fc.string({ minLength: 1 }), { maxLength: 4 }))),
    max_tokens: fc.option(fc.integer({ min: 1 })),
    anything: fc.jsonValue(),
  },
  { requiredKeys: ['model', 'messages'] },
);

test('any JSON is either refused with few issues or satisfies what the gateway relies on', () => {
  fc.assert(
    fc.property(anyBody, (body) => {
      const json: unknown = JSON.parse(JSON.stringify(body) ?? 'null');
      const chat = chatCompletionRequest.safeParse(json);
      if (chat.success) {
        expect(chat.data.messages.length).toBeGreaterThan(0);
        findUnsupportedInChat(chat.data);
      }
      const completion = completionRequest.safeParse(json);
      if (completion.success) {
        for (const prompt of completion.data.prompt) {
          expect(typeof prompt === 'string' || prompt.every((id) => Number.isSafeInteger(id) && id >= 0)).toBe(true);
        }
        findUnsupportedInCompletion(completion.data);
      }
      for (const { error } of [chat, completion]) expect(error?.issues.length ?? 0).toBeLessThan(100);
    }),
    { numRuns: 2000 },
  );
});

test('every valid request passes, and passing twice changes nothing', () => {
  fc.assert(
    fc.property(validChat, (body) => {
      const once = chatCompletionRequest.parse(JSON.parse(JSON.stringify(body)));
      expect(chatCompletionRequest.parse(once)).toEqual(once);
      expect(Array.isArray(once.stop) || once.stop === undefined).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('a list of millions of wrong items costs one issue', () => {
  const wrong = new Array<number>(2_000_000).fill(1.5);
  const issues = (body: object) => [
    ...(chatCompletionRequest.safeParse(body).error?.issues ?? []),
    ...(completionRequest.safeParse({ prompt: 'x', ...body }).error?.issues ?? []),
  ];
  const messages = [{ role: 'user', content: 'x' }];
  expect(issues({ model: 'm', messages: wrong })).toHaveLength(1);
  expect(issues({ model: 'm', messages, prompt: wrong })).toHaveLength(1);
  expect(issues({ model: 'm', messages, stop: wrong })).toHaveLength(2);
  expect(issues({ model: 'm', messages: [{ role: 'user', content: wrong }] })).toHaveLength(1);
  expect(API_LIMITS.bodyBytes).toBeLessThan(2_000_000 * 3);
});
