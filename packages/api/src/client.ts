import type { ChatCompletionRequest } from './chat-request.ts';
import type { ChatCompletion, ChatCompletionChunk } from './chat-response.ts';
import { ApiClientError } from './client-error.ts';
import type { ApiErrorBody } from './errors.ts';
import type { ModelList } from './models.ts';
import { API_ROUTES } from './routes.ts';
import { readSse, SSE_DONE } from './sse.ts';
import type { StateAnswer } from './state.ts';

export interface ApiClientOptions {
  /** Origin of the gateway, as `http://127.0.0.1:8080`; empty for the page's own. */
  readonly baseUrl: string;
  readonly fetch?: typeof fetch;
}

/**
 * The gateway's routes as functions, for the web page, the terminal chat and tests. Nothing is retried.
 *
 * Every method throws `ApiClientError`: `ERR_API_UNREACHABLE`, `ERR_API_REFUSED`, `ERR_API_BROKEN_ANSWER`. An aborted
 * signal throws its reason.
 */
export class ApiClient {
  readonly #baseUrl: string;
  readonly #fetch: typeof fetch;

  constructor(options: ApiClientOptions) {
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '');
    this.#fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
  }

  models(signal?: AbortSignal): Promise<ModelList> {
    return this.#json(API_ROUTES.models.path, { signal });
  }

  state(signal?: AbortSignal): Promise<StateAnswer> {
    return this.#json(API_ROUTES.state.path, { signal });
  }

  chat(request: ChatCompletionRequest, signal?: AbortSignal): Promise<ChatCompletion> {
    return this.#json(API_ROUTES.chatCompletions.path, post({ ...request, stream: false }, signal));
  }

  /** Chunks as they come. Leaving the loop or aborting the signal cancels the generation on every node. */
  async *streamChat(request: ChatCompletionRequest, signal?: AbortSignal): AsyncGenerator<ChatCompletionChunk> {
    const response = await this.#open(API_ROUTES.chatCompletions.path, post({ ...request, stream: true }, signal));
    if (response.body === null) throw broken('The gateway sent no body.');
    for await (const data of readSse(response.body as AsyncIterable<Uint8Array> & ReadableStream)) {
      if (data === SSE_DONE) return;
      const event = parse<ChatCompletionChunk | ApiErrorBody>(data);
      if ('error' in event) throw refused(event, response);
      yield event;
    }
    signal?.throwIfAborted();
    throw broken('The stream ended before the answer did.');
  }

  async #json<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.#open(path, init);
    return parse<T>(await response.text());
  }

  async #open(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(this.#baseUrl + path, init);
    } catch (cause) {
      init.signal?.throwIfAborted();
      const where = this.#baseUrl || 'its address';
      throw new ApiClientError('ERR_API_UNREACHABLE', `No answer from the gateway at ${where}: is it running?`, {
        cause,
      });
    }
    if (response.ok) return response;
    const body = parse<ApiErrorBody>(await response.text());
    if (typeof body.error?.message !== 'string') throw broken(`The gateway answered with status ${response.status}.`);
    throw refused(body, response);
  }
}

function post(body: object, signal: AbortSignal | undefined): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal };
}

function parse<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw broken('The gateway answered with something that is not JSON.', cause);
  }
}

function broken(message: string, cause?: unknown): ApiClientError {
  return new ApiClientError('ERR_API_BROKEN_ANSWER', `${message} Is something else listening there?`, {
    kind: 'peer',
    cause,
  });
}

function refused({ error }: ApiErrorBody, response: Response): ApiClientError {
  return new ApiClientError('ERR_API_REFUSED', error.message, {
    kind: response.status < 500 && response.status !== 200 ? 'caller' : 'peer',
    meta: {
      status: response.status,
      type: error.type,
      param: error.param ?? undefined,
      serverCode: error.code ?? undefined,
      missing: error.missing,
      requestId: response.headers.get('x-request-id') ?? undefined,
    },
  });
}
