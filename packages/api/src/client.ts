import { type AnswerStreamDeps, answerStream } from './answer-stream.ts';
import { AuthClient } from './auth-client.ts';
import { ChainClient } from './chain-client.ts';
import type { ChatCompletionRequest } from './chat-request.ts';
import type { ChatCompletion, ChatCompletionChunk } from './chat-response.ts';
import { CreditClient } from './credit-client.ts';
import { Gateways, type GatewaysOptions, post, unreachable } from './gateways.ts';
import type { ModelList } from './models.ts';
import { OperatorClient } from './operator-client.ts';
import { API_ROUTES } from './routes.ts';
import type { StateAnswer } from './state.ts';

/** Longest that a gateway may take to say whether it goes on with an answer: it computes the prompt again first. */
const RESUME_TIMEOUT_MS = 30_000;

export interface ApiClientOptions extends GatewaysOptions {
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
  readonly auth: AuthClient;
  readonly chain: ChainClient;
  readonly credits: CreditClient;
  readonly operator: OperatorClient;
  readonly #gateways: Gateways;
  readonly #onResume: (baseUrl: string) => void;

  constructor(options: ApiClientOptions) {
    this.#gateways = new Gateways(options);
    this.auth = new AuthClient(this.#gateways);
    this.chain = new ChainClient(this.#gateways);
    this.credits = new CreditClient(this.#gateways);
    this.operator = new OperatorClient(this.#gateways);
    this.#onResume = options.onResume ?? (() => {});
  }

  models(signal?: AbortSignal): Promise<ModelList> {
    return this.#gateways.json(API_ROUTES.models.path, { signal });
  }

  state(signal?: AbortSignal): Promise<StateAnswer> {
    return this.#gateways.json(API_ROUTES.state.path, { signal });
  }

  chat(request: ChatCompletionRequest, signal?: AbortSignal): Promise<ChatCompletion> {
    return this.#gateways.json(API_ROUTES.chatCompletions.path, post({ ...request, stream: false }, signal));
  }

  /**
   * Chunks as they come. Leaving the loop or aborting the signal cancels the generation on every node. `onBegun` is told
   * the request id, which `resumeChat` takes.
   */
  streamChat(
    request: ChatCompletionRequest,
    signal?: AbortSignal,
    onBegun?: (requestId: string) => void,
  ): AsyncGenerator<ChatCompletionChunk> {
    return this.#answer(
      (until) => this.#gateways.any(API_ROUTES.chatCompletions.path, post({ ...request, stream: true }, until)),
      signal,
      onBegun,
    );
  }

  /** All chunks of an answer that was begun before, from the first one, until ten minutes after its last token. */
  resumeChat(requestId: string, signal?: AbortSignal): AsyncGenerator<ChatCompletionChunk> {
    return this.#answer(requestId, signal);
  }

  #answer(
    from: AnswerStreamDeps['from'],
    signal: AbortSignal | undefined,
    onBegun?: (requestId: string) => void,
  ): AsyncGenerator<ChatCompletionChunk> {
    return answerStream({
      ...{ from, signal, onBegun },
      gateways: this.#gateways.urls.length,
      resume: (id, after, turn, until) => this.#resume(id, after, turn, until),
    });
  }

  async #resume(id: string, after: number, turn: number, signal: AbortSignal): Promise<Response> {
    const { urls, current } = this.#gateways;
    const index = turn === 0 ? current : (current + 1) % urls.length;
    this.#gateways.current = index;
    const path = `${API_ROUTES.resume.path.replace(':id', id)}?after=${after}`;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), RESUME_TIMEOUT_MS);
    try {
      const response = await this.#gateways.open(index, path, { signal: AbortSignal.any([signal, late.signal]) });
      this.#onResume(urls[index] ?? '');
      return response;
    } catch (error) {
      if (late.signal.aborted && !signal.aborted) throw unreachable(urls[index], error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
