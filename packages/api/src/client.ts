import { answerStream } from './answer-stream.ts';
import type { ChatCompletionRequest } from './chat-request.ts';
import type { ChatCompletion, ChatCompletionChunk } from './chat-response.ts';
import { ApiClientError, brokenAnswer, parseAnswer, refusedBy } from './client-error.ts';
import type { ApiErrorBody } from './errors.ts';
import type { ModelList } from './models.ts';
import { API_ROUTES } from './routes.ts';
import type { StateAnswer } from './state.ts';

/** Longest that a gateway may take to say whether it goes on with an answer: it computes the prompt again first. */
const RESUME_TIMEOUT_MS = 30_000;

export interface ApiClientOptions {
  /** Origins of gateways of one network, as `http://127.0.0.1:8080`, the first choice first; empty for the page's own. */
  readonly baseUrl: string | readonly string[];
  readonly fetch?: typeof fetch;
  /** An answer in progress goes on at this gateway after its connection broke. */
  readonly onResume?: (baseUrl: string) => void;
}

/**
 * The gateway's routes as functions, for the web page, the terminal chat and tests. A gateway that cannot be reached is
 * replaced by the next one; a streamed answer that breaks off is resumed, and shows nothing twice.
 *
 * Every method throws `ApiClientError`: `ERR_API_UNREACHABLE`, `ERR_API_REFUSED`, `ERR_API_BROKEN_ANSWER`. An aborted
 * signal throws its reason.
 */
export class ApiClient {
  readonly #gateways: readonly string[];
  readonly #fetch: typeof fetch;
  readonly #onResume: (baseUrl: string) => void;
  /** Index of the gateway that answered last. */
  #current = 0;

  constructor(options: ApiClientOptions) {
    this.#gateways = [options.baseUrl].flat().map((url) => url.replace(/\/+$/, ''));
    this.#fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
    this.#onResume = options.onResume ?? (() => {});
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
  streamChat(request: ChatCompletionRequest, signal?: AbortSignal): AsyncGenerator<ChatCompletionChunk> {
    return answerStream<ChatCompletionChunk>({
      gateways: this.#gateways.length,
      signal,
      begin: (until) => this.#any(API_ROUTES.chatCompletions.path, post({ ...request, stream: true }, until)),
      resume: (id, after, turn, until) => this.#resume(id, after, turn, until),
    });
  }

  async #resume(id: string, after: number, turn: number, signal: AbortSignal): Promise<Response> {
    const index = turn === 0 ? this.#current : (this.#current + 1) % this.#gateways.length;
    this.#current = index;
    const path = `${API_ROUTES.resume.path.replace(':id', id)}?after=${after}`;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), RESUME_TIMEOUT_MS);
    try {
      const response = await this.#open(index, path, { signal: AbortSignal.any([signal, late.signal]) });
      this.#onResume(this.#gateways[index] ?? '');
      return response;
    } catch (error) {
      if (late.signal.aborted && !signal.aborted) throw unreachable(this.#gateways[index], error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #json<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.#any(path, init);
    return parseAnswer<T>(await response.text());
  }

  /** The answer of the first gateway that can be reached, beginning with the one that answered last. */
  async #any(path: string, init: RequestInit): Promise<Response> {
    let failure: unknown;
    for (const _ of this.#gateways) {
      try {
        return await this.#open(this.#current, path, init);
      } catch (error) {
        if (!(error instanceof ApiClientError) || error.code !== 'ERR_API_UNREACHABLE') throw error;
        failure ??= error;
        this.#current = (this.#current + 1) % this.#gateways.length;
      }
    }
    throw failure;
  }

  async #open(index: number, path: string, init: RequestInit): Promise<Response> {
    const baseUrl = this.#gateways[index] ?? '';
    let response: Response;
    try {
      response = await this.#fetch(baseUrl + path, init);
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw unreachable(baseUrl, cause);
    }
    if (response.ok) return response;
    const body = parseAnswer<ApiErrorBody>(await response.text());
    if (typeof body.error?.message !== 'string')
      throw brokenAnswer(`The gateway answered with status ${response.status}.`);
    throw refusedBy(body, response);
  }
}

function post(body: object, signal: AbortSignal | undefined): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal };
}

function unreachable(baseUrl: string | undefined, cause: unknown): ApiClientError {
  const where = baseUrl || 'its address';
  return new ApiClientError('ERR_API_UNREACHABLE', `No answer from the gateway at ${where}: is it running?`, { cause });
}
