import OpenAI from 'openai';
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

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' });
const messages = [{ role: 'user', content: PROMPT }];
const asked = { model, messages, temperature: 0, max_tokens: MAX_TOKENS };
const long = { ...asked, max_tokens: LONG_TOKENS, ignore_eos: true, stream: true };

await run({
  async list() {
    ok(
      (await client.models.list()).data.some(({ id }) => id === model),
      'the model is not listed',
    );
  },
  async chat() {
    sameText((await client.chat.completions.create(asked)).choices[0].message.content);
    sameText(
      (await client.responses.create({ model, input: PROMPT, temperature: 0, max_output_tokens: MAX_TOKENS }))
        .output_text,
    );
  },
  async stream() {
    sameText(
      (await client.chat.completions.stream({ ...asked, stream: true }).finalChatCompletion()).choices[0].message
        .content,
    );
    const response = client.responses.stream({ model, input: PROMPT, temperature: 0, max_output_tokens: MAX_TOKENS });
    sameText((await response.finalResponse()).output_text);
  },
  async json() {
    const named = { name: 'water', strict: true, schema: SCHEMA };
    const wanted = { ...asked, max_tokens: JSON_TOKENS };
    const response_format = { type: 'json_schema', json_schema: named };
    sameKind((await client.chat.completions.parse({ ...wanted, response_format })).choices[0].message.parsed);
    const streamed = client.chat.completions.stream({ ...wanted, response_format, temperature: 1 });
    sameKind((await streamed.finalChatCompletion()).choices[0].message.parsed);
    const text = { format: { type: 'json_schema', ...named } };
    const response = await client.responses.parse({ model, input: PROMPT, max_output_tokens: JSON_TOKENS, text });
    sameKind(response.output_parsed);
    const cut = await client.chat.completions.create({ ...asked, max_tokens: 5, response_format });
    ok(cut.choices[0].finish_reason === 'length', 'a document that is cut says so');
  },
  async tools() {
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
    const error = await rejection(client.chat.completions.create({ ...asked, tools }));
    ok(error.status === 400 && error.param === 'tools', error.message);
  },
  async error() {
    const error = await rejection(client.chat.completions.create({ ...asked, model: 'nobody/knows' }));
    ok(error instanceof OpenAI.NotFoundError && error.code === 'model_not_found', error.message);
  },
  async cancel() {
    for await (const chunk of await client.chat.completions.create(long)) if (chunk.choices[0].delta.content) break;
  },
  async retry() {
    // All places are taken for longer than two tries take.
    sameText((await client.chat.completions.create(asked, { maxRetries: 4 })).choices[0].message.content);
  },
  async broken() {
    const read = async () => {
      let said = false;
      for await (const chunk of await client.chat.completions.create(long)) {
        if (chunk.choices[0]?.delta.content && !said) {
          said = true;
          streaming();
        }
      }
    };
    await rejection(read());
  },
});
