import { AppError } from '@blyan/interface';
import { Ollama } from 'ollama';
import { expect, test } from 'vitest';
import { startGateway } from '../harness.ts';
import { MODEL_ROOT } from '../scripted-coordinator.ts';

const TEXT = 'a large natural stream of water';
const ASKED = { model: 'golden:latest', messages: [{ role: 'user', content: 'What is a river?' }] };

async function start(...args: Parameters<typeof startGateway>) {
  const found = await startGateway(...args);
  return { ...found, ollama: new Ollama({ host: found.url }) };
}

test('the ollama client chats, whole and streamed', async () => {
  const { ollama, coordinator } = await start();
  const options = { temperature: 0, num_predict: 50, stop: ['zzz'], seed: 3 };
  const whole = await ollama.chat({ ...ASKED, options });
  expect(whole).toMatchObject({
    ...{ model: 'golden', message: { role: 'assistant', content: TEXT }, done: true, done_reason: 'stop' },
    ...{ eval_count: 31, prompt_eval_count: coordinator.requests[0]?.promptTokens.length },
  });
  expect(whole.total_duration).toBeGreaterThan(0);
  expect(coordinator.requests[0]).toMatchObject({ maxTokens: 50, sampling: { temperature: 0, seed: 3 } });
  const parts = [];
  for await (const part of await ollama.chat({ ...ASKED, options, stream: true })) parts.push(part);
  expect(parts.map(({ message }) => message.content).join('')).toBe(TEXT);
  expect(parts.map(({ done }) => done)).toEqual([...parts.slice(1).map(() => false), true]);
  await ollama.chat(ASKED);
  expect(coordinator.requests.at(-1)?.sampling).toMatchObject({ temperature: 0.8, topK: 40, topP: 0.9 });
});

test('it generates from a prompt, with the template or without, and loads a model by asking nothing', async () => {
  const { ollama, coordinator } = await start();
  const options = { temperature: 0 };
  const asked = { model: 'golden', prompt: 'What is a river?', options };
  expect(await ollama.generate(asked)).toMatchObject({ response: TEXT, done: true });
  await ollama.generate({ ...asked, raw: true });
  const [templated, raw] = coordinator.requests.map(({ promptTokens }) => promptTokens.length) as [number, number];
  expect(raw).toBeLessThan(templated);
  expect(await ollama.generate({ model: 'golden', prompt: '' })).toMatchObject({ response: '', done_reason: 'load' });
  expect(coordinator.requests).toHaveLength(2);
});

test('it lists, shows and tells the version', async () => {
  const { ollama } = await start();
  const [model] = (await ollama.list()).models;
  expect(model).toMatchObject({ name: 'golden', digest: MODEL_ROOT });
  expect((await ollama.ps()).models).toMatchObject([{ name: 'golden' }]);
  const shown = await ollama.show({ model: 'golden' });
  expect(shown).toMatchObject({ capabilities: ['completion'], model_info: { 'blyan.context_length': 128 } });
  expect(await ollama.version()).toEqual({ version: '0.1.0-test' });
});

test('what is not there is refused, what breaks in the middle is raised, and a client that goes ends it', async () => {
  const { ollama } = await start();
  await expect(ollama.chat({ ...ASKED, model: 'other' })).rejects.toMatchObject({ status_code: 404 });
  const tools = [{ type: 'function', function: { name: 'f', description: '', parameters: {} } }];
  await expect(ollama.chat({ ...ASKED, tools: tools as never })).rejects.toThrow(/Tools are not supported/);
  await expect(ollama.embed({ model: 'golden', input: 'x' })).rejects.toThrow();

  const error = new AppError('ERR_INFERENCE_BROKEN', 'It broke.', { kind: 'internal' });
  const broken = await start({ failAt: { index: 3, error } });
  const read = async () => {
    for await (const _ of await broken.ollama.chat({ ...ASKED, stream: true }));
  };
  await expect(read()).rejects.toThrow('It broke.');

  const held = await start({ holdAt: 4 });
  const stream = await held.ollama.chat({ ...ASKED, stream: true });
  const leave = async () => {
    for await (const _ of stream) stream.abort();
  };
  await expect(leave()).rejects.toThrow(/aborted/);
  await held.coordinator.aborted;
});
