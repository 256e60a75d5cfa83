import { Ollama } from 'ollama';
import {
  JSON_TOKENS,
  LONG_TOKENS,
  MAX_TOKENS,
  model,
  ok,
  PROMPT,
  rejection,
  run,
  SCHEMA,
  sameKind,
  sameText,
  streaming,
  url,
} from './checks.mjs';

const client = new Ollama({ host: url });
const messages = [{ role: 'user', content: PROMPT }];
const asked = { model, messages, options: { temperature: 0, num_predict: MAX_TOKENS } };
const long = { model, messages, options: { temperature: 1, num_predict: LONG_TOKENS }, stream: true };

await run({
  async list() {
    ok(
      (await client.list()).models.some(({ name }) => name === model),
      'the model is not listed',
    );
    ok((await client.show({ model })).capabilities.includes('completion'), 'the model is not shown');
  },
  async chat() {
    sameText((await client.chat(asked)).message.content);
    sameText((await client.generate({ model, prompt: PROMPT, options: asked.options })).response);
  },
  async stream() {
    let text = '';
    for await (const part of await client.chat({ ...asked, stream: true })) text += part.message.content;
    sameText(text);
  },
  async json() {
    const options = { temperature: 0.8, num_predict: JSON_TOKENS };
    sameKind((await client.chat({ ...asked, options, format: SCHEMA })).message.content);
    const { response } = await client.generate({
      model,
      prompt: PROMPT,
      options: { num_predict: 400, seed: 1 },
      format: 'json',
    });
    ok(response.startsWith('{'), response);
  },
  async tools() {
    const tools = [{ type: 'function', function: { name: 'f', description: '', parameters: {} } }];
    const error = await rejection(client.chat({ ...asked, tools }));
    ok(error.status_code === 400 && /Tools are not supported/.test(error.message), error.message);
  },
  async error() {
    ok((await rejection(client.chat({ ...asked, model: 'nobody/knows' }))).status_code === 404, 'another error');
  },
  async cancel() {
    const stream = await client.chat(long);
    const read = async () => {
      for await (const _ of stream) stream.abort();
    };
    await rejection(read());
  },
  async retry() {
    return 'it never tries again';
  },
  async broken() {
    const read = async () => {
      let said = false;
      for await (const _ of await client.chat(long)) {
        if (!said) streaming();
        said = true;
      }
    };
    await rejection(read());
  },
});
