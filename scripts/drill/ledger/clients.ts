import { readSse } from '@blyan/api';

/** What a client knows of an answer. */
export interface Seen {
  readonly requestId: string;
  /** As the answer's usage says; null when the client never got it. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | null;
  /** Tokens that came, of a stream. */
  readonly counted: number;
  readonly how: Kind;
}

const KINDS = ['stream', 'whole', 'cancel', 'ollama'] as const;
type Kind = (typeof KINDS)[number];

export interface ClientsOptions {
  /** Of the gateway. */
  readonly url: string;
  readonly model: string;
  /** At the same time. */
  readonly clients: number;
  readonly maxTokens: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** The gateway is there and answers something else than an answer. */
class Refused extends Error {}

/**
 * Clients ask one thing after the other until the gateway is gone.
 *
 * @returns what each was answered
 * @throws Error when the gateway refuses something
 */
export async function askUntilGone(options: ClientsOptions): Promise<Seen[]> {
  const seen: Seen[] = [];
  const one = async () => {
    for (;;) {
      const kind = KINDS[Math.floor(options.random() * KINDS.length)] as Kind;
      const answer = new Answer(kind);
      const isGone = await answer.ask(options).then(
        () => false,
        (error) => {
          if (error instanceof Refused) throw error;
          // Who leaves breaks its own connection.
          return !answer.hasLeft;
        },
      );
      const found = answer.seen();
      if (found !== null) seen.push(found);
      if (isGone) return;
    }
  };
  await Promise.all(Array.from({ length: options.clients }, one));
  return seen;
}

interface Body {
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  readonly prompt_eval_count?: number;
  readonly eval_count?: number;
  readonly blyan?: { readonly token_id?: number };
}

class Answer {
  readonly #kind: Kind;
  #requestId: string | null = null;
  #usage: Seen['usage'] = null;
  #counted = 0;
  hasLeft = false;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  seen(): Seen | null {
    if (this.#requestId === null) return null;
    return { requestId: this.#requestId, usage: this.#usage, counted: this.#counted, how: this.#kind };
  }

  /** @throws when the gateway is gone */
  async ask({ url, model, maxTokens, random }: ClientsOptions): Promise<void> {
    const prompt = `${Math.floor(random() * 1e9)} `.repeat(1 + Math.floor(random() * 4));
    const most = 1 + Math.floor(random() * maxTokens);
    const isOllama = this.#kind === 'ollama';
    const common = { model, prompt, temperature: 0, max_tokens: most, ignore_eos: true };
    const streamed = { stream: true, stream_options: { include_usage: true }, blyan: { return_token_ids: true } };
    const body = isOllama
      ? { model, prompt, raw: true, options: { num_predict: most, temperature: 0 } }
      : { ...common, ...(this.#kind === 'whole' ? {} : streamed) };
    const leaving = new AbortController();
    const response = await fetch(url + (isOllama ? '/api/generate' : '/v1/completions'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    if (!response.ok) throw new Refused(`status ${response.status}: ${await response.text()}`);
    this.#requestId = response.headers.get('x-request-id');
    if (this.#kind === 'whole') return this.#read(await response.json());
    if (isOllama) {
      for (const line of (await response.text()).trim().split('\n')) this.#read(JSON.parse(line));
      return;
    }
    const leavesAt = this.#kind === 'cancel' ? Math.ceil(random() * most) : Number.POSITIVE_INFINITY;
    for await (const data of readSse(response.body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>)) {
      if (data === '[DONE]') return;
      this.#read(JSON.parse(data));
      if (this.#counted < leavesAt) continue;
      this.hasLeft = true;
      return leaving.abort();
    }
    throw new Error('the stream ended without its end');
  }

  #read(body: Body & { readonly error?: unknown }): void {
    if (body.error !== undefined) throw new Refused(`an error came: ${JSON.stringify(body.error)}`);
    if (body.blyan?.token_id !== undefined) this.#counted += 1;
    if (body.usage) {
      this.#usage = { promptTokens: body.usage.prompt_tokens, completionTokens: body.usage.completion_tokens };
    }
    if (body.eval_count !== undefined)
      this.#usage = { promptTokens: body.prompt_eval_count ?? 0, completionTokens: body.eval_count };
  }
}
