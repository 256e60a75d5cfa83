import { readSseEvents } from '@blyan/api';
import { Ollama } from 'ollama';
import { expect, test } from 'vitest';
import { JournalNet } from '../../../packages/p2p/test/journal-net.ts';
import { CHAT, chatBody, startGateway } from '../harness.ts';

const PROMPT = 'What is a river?';
const schema = {
  type: 'object',
  properties: { length: { type: 'integer' } },
  required: ['length'],
  additionalProperties: false,
};
const ANY_OBJECT = '{"type":"object"}';

test('each family says which format it wants in its own way', async () => {
  const { client, url, coordinator } = await startGateway();
  const ollama = new Ollama({ host: url });
  const held = () => coordinator.requests.splice(0).map(({ jsonSchema }) => jsonSchema);
  const chat = (response_format: object | null) =>
    client.chat.completions.create({ ...chatBody(), response_format: response_format as never });
  await chat({ type: 'json_object' });
  await chat({ type: 'json_schema', json_schema: { name: 'river', strict: true, schema } });
  await chat({ type: 'text' });
  await chat(null);
  expect(held()).toEqual([ANY_OBJECT, JSON.stringify(schema), undefined, undefined]);

  const format = { type: 'json_schema' as const, name: 'river', schema };
  const response = await client.responses.create({ model: 'golden', input: PROMPT, text: { format } });
  expect(response.text).toEqual({ format });
  await client.responses.create({ model: 'golden', input: PROMPT, text: { format: { type: 'json_object' } } });
  expect(await client.responses.create({ model: 'golden', input: PROMPT })).toMatchObject({
    text: { format: { type: 'text' } },
  });
  expect(held()).toEqual([JSON.stringify(schema), ANY_OBJECT, undefined]);

  await ollama.generate({ model: 'golden', prompt: PROMPT, format: 'json' });
  await ollama.chat({ model: 'golden', messages: [{ role: 'user', content: PROMPT }], format: schema });
  await ollama.generate({ model: 'golden', prompt: PROMPT, format: '' });
  expect(held()).toEqual([ANY_OBJECT, JSON.stringify(schema), undefined]);
});

test('a schema that cannot be held to is refused by the place in it', async () => {
  const { client, post, url, coordinator } = await startGateway();
  const refused = async (wanted: unknown, param: string, code: string) => {
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema: wanted } };
    const response = await post(CHAT, chatBody({ response_format }));
    expect([response.status, (await response.json()).error]).toMatchObject([400, { param, code }]);
  };
  const path = 'response_format.json_schema.schema';
  const nested = `${'{"items":'.repeat(50_000)}true${'}'.repeat(50_000)}`;
  await refused({ properties: { a: { pattern: '^a' } } }, `${path}.properties.a.pattern`, 'ERR_GRAMMAR_UNSUPPORTED');
  await refused({ type: 'thing' }, `${path}.type`, 'ERR_GRAMMAR_SCHEMA');
  await refused({ title: 'x'.repeat(70_000) }, path, 'ERR_GRAMMAR_TOO_LARGE');
  // Too deep to be written by JSON.stringify.
  const response_format = { type: 'json_schema', json_schema: { name: 'x', schema: 'NESTED' } };
  const deep = await post(CHAT, JSON.stringify(chatBody({ response_format })).replace('"NESTED"', nested));
  // Refused before it is parsed.
  expect([deep.status, (await deep.json()).error]).toMatchObject([400, { code: 'ERR_GATEWAY_REQUEST_INVALID' }]);
  await refused(undefined, path, 'ERR_GATEWAY_REQUEST_INVALID');
  await refused([], path, 'ERR_GATEWAY_REQUEST_INVALID');
  const format = { type: 'json_schema' as const, name: 'x', schema: { not: {} } };
  await expect(client.responses.create({ model: 'golden', input: PROMPT, text: { format } })).rejects.toMatchObject({
    ...{ status: 400, param: 'text.format.schema.not' },
  });
  const ollama = new Ollama({ host: url });
  const asked = { model: 'golden', prompt: PROMPT };
  await expect(ollama.generate({ ...asked, format: { type: 'string', format: 'email' } })).rejects.toThrow(
    /"format" is not supported/,
  );
  await expect(ollama.generate({ ...asked, format: 'yaml' })).rejects.toThrow(/Expected "json" or a JSON Schema/);
  expect(coordinator.requests).toEqual([]);
});

test('another gateway that goes on with an answer holds it to the same', async () => {
  const net = new JournalNet();
  const journals = [net.join('a'), net.join('b')] as const;
  const first = await startGateway({ holdAt: 5 }, { journal: journals[0] });
  const second = await startGateway({}, { journal: journals[1] });
  const response_format = { type: 'json_object' };
  const response = await first.post(CHAT, chatBody({ stream: true, response_format }));
  let seen = 0;
  for await (const _ of readSseEvents(response.body as NonNullable<typeof response.body>)) if (++seen === 4) break;
  await journals[0].settled();
  const resumed = await fetch(`${second.url}/api/v1/requests/${response.headers.get('x-request-id')}/stream?after=1`);
  await resumed.text();
  expect(second.coordinator.requests).toMatchObject([{ jsonSchema: ANY_OBJECT, committedTokens: expect.any(Array) }]);
});
