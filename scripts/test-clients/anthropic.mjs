import Anthropic from '@anthropic-ai/sdk';
import { LONG_TOKENS, MAX_TOKENS, model, ok, PROMPT, rejection, run, sameText, streaming, url } from './checks.mjs';

const client = new Anthropic({ baseURL: url, apiKey: 'none' });
const messages = [{ role: 'user', content: PROMPT }];
const asked = { model, messages, temperature: 0, max_tokens: MAX_TOKENS };
// It has no field to go on behind the end of a text: another seed of a higher temperature talks longer.
const long = { ...asked, temperature: 1, max_tokens: LONG_TOKENS, stream: true };

await run({
  async list() {
    ok(
      (await client.models.list()).data.some(({ id }) => id === model),
      'the model is not listed',
    );
  },
  async chat() {
    sameText((await client.messages.create(asked)).content[0].text);
    ok((await client.messages.countTokens({ model, messages })).input_tokens > 0, 'no tokens counted');
  },
  async stream() {
    sameText((await client.messages.stream(asked).finalMessage()).content[0].text);
  },
  async json() {
    return 'it has no way to ask for a format';
  },
  async tools() {
    const tools = [{ name: 'f', input_schema: { type: 'object', properties: {} } }];
    const error = await rejection(client.messages.create({ ...asked, tools }));
    ok(error.status === 400 && /Tools are not supported/.test(error.message), error.message);
  },
  async error() {
    const error = await rejection(client.messages.create({ ...asked, model: 'nobody/knows' }));
    ok(error instanceof Anthropic.NotFoundError && error.error.error.type === 'not_found_error', error.message);
  },
  async cancel() {
    for await (const event of await client.messages.create(long)) if (event.type === 'content_block_delta') break;
  },
  async retry() {
    sameText((await client.messages.create(asked, { maxRetries: 4 })).content[0].text);
  },
  async broken() {
    const read = async () => {
      let said = false;
      for await (const event of await client.messages.create({ ...long, ignore_eos: true })) {
        if (event.type !== 'content_block_delta' || said) continue;
        said = true;
        streaming();
      }
    };
    await rejection(read());
  },
});
