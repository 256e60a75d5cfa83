import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, Output, streamText, tool } from 'ai';
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

const provider =
  process.env.BLYAN_PROVIDER === 'openai'
    ? createOpenAI({ baseURL: `${url}/v1`, apiKey: 'none' })
    : createOpenAICompatible({ name: 'blyan', baseURL: `${url}/v1`, supportsStructuredOutputs: true });
const asked = { model: provider(model), prompt: PROMPT, temperature: 0, maxOutputTokens: MAX_TOKENS };
const long = { ...asked, maxOutputTokens: LONG_TOKENS, onError: () => undefined };

await run({
  async list() {
    return 'it has no call for that';
  },
  async chat() {
    sameText((await generateText(asked)).text);
  },
  async stream() {
    let text = '';
    for await (const delta of streamText(asked).textStream) text += delta;
    sameText(text);
  },
  async json() {
    const output = Output.object({ schema: jsonSchema(SCHEMA) });
    sameKind((await generateText({ ...asked, maxOutputTokens: JSON_TOKENS, output })).output);
  },
  async tools() {
    const f = tool({ description: 'f', inputSchema: jsonSchema({ type: 'object', properties: {} }) });
    const error = await rejection(generateText({ ...asked, tools: { f } }));
    ok(error.statusCode === 400 && /Tools are not supported/.test(error.message), error.message);
  },
  async error() {
    const error = await rejection(generateText({ ...asked, model: provider('nobody/knows') }));
    ok(error.statusCode === 404, error.message);
  },
  async cancel() {
    const stop = new AbortController();
    const read = async () => {
      for await (const delta of streamText({ ...long, abortSignal: stop.signal }).textStream) if (delta) stop.abort();
    };
    await read().catch(() => undefined);
    ok(stop.signal.aborted, 'no text came');
  },
  async retry() {
    sameText((await generateText({ ...asked, maxRetries: 4 })).text);
  },
  async broken() {
    let said = false;
    // It tells of errors in the stream, or by throwing.
    const read = async () => {
      for await (const part of streamText({ ...long, maxRetries: 0 }).fullStream) {
        if (part.type === 'error') throw part.error;
        if (part.type === 'text-delta' && !said) {
          said = true;
          streaming();
        }
      }
    };
    await rejection(read());
    ok(said, 'it failed before there was text');
  },
});
