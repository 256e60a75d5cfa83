import { apiErrorBody } from '@blyan/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHAT, COMPLETIONS, startGateway } from './harness.ts';

const odd = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(null, 0, -1, 1e300, '', [], [[]], {}, 'golden'));
const field = fc.constantFrom(
  'temperature',
  'top_p',
  'seed',
  'stop',
  'max_tokens',
  'n',
  'logprobs',
  'blyan',
  'stream',
  'tools',
  'input',
  'messages',
  'prompt',
  'system',
  'options',
  'instructions',
  'stop_sequences',
);
/** Families with bodies and errors of their own. */
const OTHERS = [
  '/v1/responses',
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/api/chat',
  '/api/generate',
  '/api/show',
];
const valid = { model: 'golden', messages: [{ role: 'user', content: 'x' }], prompt: 'x', input: 'x', max_tokens: 2 };

test('whatever is sent, the answer is JSON of the contract or a stream that ends properly', async () => {
  const { post } = await startGateway();
  const body = fc.oneof(
    fc.string({ unit: 'binary' }),
    odd.map((value) => JSON.stringify(value)),
    fc.dictionary(field, odd, { maxKeys: 3 }).map((fields) => JSON.stringify({ ...valid, ...fields })),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(CHAT, COMPLETIONS, ...OTHERS), body, async (path, text) => {
      const response = await post(path, text);
      const answer = await response.text();
      if (OTHERS.includes(path)) {
        expect([200, 400, 403, 404]).toContain(response.status);
        if (!response.ok) expect(JSON.parse(answer).error).toBeDefined();
      } else if (response.ok && response.headers.get('content-type')?.startsWith('text/event-stream')) {
        expect(answer.endsWith('data: [DONE]\n\n')).toBe(true);
      } else if (response.ok) {
        expect(JSON.parse(answer).choices).toHaveLength(1);
      } else {
        expect([400, 403, 404]).toContain(response.status);
        apiErrorBody.parse(JSON.parse(answer));
      }
    }),
    { numRuns: 450 },
  );
});
