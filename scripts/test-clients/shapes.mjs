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

// Requests as Open WebUI and continue.dev send them: they are applications, not packages.
const OPEN_WEBUI = {
  ...{ model, stream: true, stream_options: { include_usage: true }, temperature: 0, max_tokens: MAX_TOKENS },
  messages: [{ role: 'user', content: [{ type: 'text', text: PROMPT, cache_control: { type: 'ephemeral' } }] }],
  ...{ reasoning: null, tools: null, metadata: { chat_id: 'x' } },
};
const CONTINUE = {
  ...{ model, stream: true, temperature: 0, max_tokens: MAX_TOKENS, stop: ['<|im_end|>'] },
  messages: [{ role: 'user', content: PROMPT }],
};
const asked = process.env.BLYAN_SHAPE === 'continue' ? CONTINUE : OPEN_WEBUI;
const hasUsage = asked === OPEN_WEBUI;

function post(body, more = {}) {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer none' };
  return fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body), ...more });
}

async function* chunks(response) {
  let rest = '';
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
    rest += bytes;
    const lines = rest.split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue;
      if (line === 'data: [DONE]') return;
      const chunk = JSON.parse(line.slice(6));
      if (chunk.error) throw new Error(chunk.error.message);
      yield chunk;
    }
  }
  throw new Error('the stream ended without [DONE]');
}

await run({
  async list() {
    const { data } = await (await fetch(`${url}/v1/models`)).json();
    ok(
      data.some(({ id }) => id === model),
      'the model is not listed',
    );
  },
  async chat() {
    const { stream_options: _, ...whole } = { ...asked, stream: false };
    sameText((await (await post(whole)).json()).choices[0].message.content);
  },
  async stream() {
    let text = '';
    let usages = 0;
    for await (const chunk of chunks(await post(asked))) {
      text += chunk.choices[0]?.delta.content ?? '';
      // continue.dev holds back a chunk with usage: none may carry text.
      if (chunk.usage) usages++;
      ok(!(chunk.usage && chunk.choices.length > 0), 'usage beside text');
    }
    sameText(text);
    ok(usages === (hasUsage ? 1 : 0), `${usages} chunks with usage`);
  },
  async json() {
    const response_format = { type: 'json_schema', json_schema: { name: 'water', schema: SCHEMA } };
    let text = '';
    for await (const chunk of chunks(await post({ ...asked, max_tokens: JSON_TOKENS, response_format })))
      text += chunk.choices[0]?.delta.content ?? '';
    sameKind(text);
  },
  async tools() {
    const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }];
    const response = await post({ ...asked, tools });
    const { error } = await response.json();
    ok(response.status === 400 && error.param === 'tools', error.message);
    ok(response.headers.get('content-type').startsWith('application/json'), 'an error that looks like a stream');
  },
  async error() {
    const response = await post({ ...asked, model: 'nobody/knows' });
    ok(response.status === 404 && (await response.json()).error.code === 'model_not_found', String(response.status));
  },
  async cancel() {
    const stop = new AbortController();
    const long = { ...asked, max_tokens: LONG_TOKENS, ignore_eos: true };
    const read = async () => {
      for await (const _ of chunks(await post(long, { signal: stop.signal }))) stop.abort();
    };
    await rejection(read());
  },
  async retry() {
    const response = await post(asked);
    ok(
      response.status === 429 && Number(response.headers.get('retry-after')) > 0,
      `${response.status}, no retry-after`,
    );
  },
  async broken() {
    const read = async () => {
      let said = false;
      for await (const _ of chunks(await post({ ...asked, max_tokens: LONG_TOKENS, ignore_eos: true }))) {
        if (!said) streaming();
        said = true;
      }
    };
    await rejection(read());
  },
});
