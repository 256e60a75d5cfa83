import { ChatOpenAI } from '@langchain/openai';
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

const make = (more = {}) =>
  new ChatOpenAI({
    ...{ model, apiKey: 'none', temperature: 0, maxTokens: MAX_TOKENS, configuration: { baseURL: `${url}/v1` } },
    ...more,
  });
const long = { maxTokens: LONG_TOKENS, modelKwargs: { ignore_eos: true }, maxRetries: 0 };

await run({
  async list() {
    return 'it has no call for that';
  },
  async chat() {
    sameText((await make().invoke(PROMPT)).content);
  },
  async stream() {
    let text = '';
    for await (const chunk of await make().stream(PROMPT)) text += chunk.content;
    sameText(text);
  },
  async json() {
    const chat = make({ maxTokens: JSON_TOKENS }).withStructuredOutput(
      { title: 'water', ...SCHEMA },
      { method: 'jsonSchema', strict: true },
    );
    sameKind(await chat.invoke(PROMPT));
  },
  async tools() {
    const f = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } };
    const error = await rejection(make().bindTools([f]).invoke(PROMPT));
    ok(/Tools are not supported/.test(error.message), error.message);
  },
  async error() {
    const error = await rejection(make({ model: 'nobody/knows' }).invoke(PROMPT));
    ok(/is not served here/.test(error.message), error.message);
  },
  async cancel() {
    for await (const chunk of await make(long).stream(PROMPT)) if (chunk.content) break;
  },
  async retry() {
    sameText((await make({ maxRetries: 4 }).invoke(PROMPT)).content);
  },
  async broken() {
    const read = async () => {
      let said = false;
      for await (const chunk of await make(long).stream(PROMPT)) {
        if (chunk.content && !said) {
          said = true;
          streaming();
        }
      }
    };
    await rejection(read());
  },
});
