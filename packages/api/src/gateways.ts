import { ApiClientError, brokenAnswer, parseAnswer, refusedBy, textOf } from './client-error.ts';
import type { ApiErrorBody } from './errors.ts';

export interface GatewaysOptions {
  /** Origins of gateways of one network, as `http://127.0.0.1:8080`, the first choice first; empty for the page's own. */
  readonly baseUrl: string | readonly string[];
  readonly fetch?: typeof fetch;
  /** The API key to show to a gateway; by default none. */
  readonly apiKeyOf?: (baseUrl: string) => string | undefined;
}

/** The gateways of one network: one that cannot be reached is replaced by the next. Throws as `ApiClient` says. */
export class Gateways {
  readonly urls: readonly string[];
  readonly #fetch: typeof fetch;
  readonly #apiKeyOf: (baseUrl: string) => string | undefined;
  /** Index of the gateway that answered last. */
  current = 0;

  constructor(options: GatewaysOptions) {
    this.urls = [options.baseUrl].flat().map((url) => url.replace(/\/+$/, ''));
    this.#apiKeyOf = options.apiKeyOf ?? (() => undefined);
    this.#fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
  }

  async json<T extends object>(path: string, init: RequestInit): Promise<T> {
    const response = await this.any(path, init);
    return parseAnswer<T>(await textOf(response, init.signal));
  }

  /** The answer of the first gateway that can be reached, beginning with the one that answered last. */
  async any(path: string, init: RequestInit): Promise<Response> {
    let failure: unknown;
    for (const _ of this.urls) {
      try {
        return await this.open(this.current, path, init);
      } catch (error) {
        if (!(error instanceof ApiClientError) || error.code !== 'ERR_API_UNREACHABLE') throw error;
        failure ??= error;
        this.current = (this.current + 1) % this.urls.length;
      }
    }
    throw failure;
  }

  async open(index: number, path: string, init: RequestInit): Promise<Response> {
    const baseUrl = this.urls[index] ?? '';
    const apiKey = this.#apiKeyOf(baseUrl);
    const headers = apiKey === undefined ? init.headers : { ...init.headers, authorization: `Bearer ${apiKey}` };
    let response: Response;
    try {
      response = await this.#fetch(baseUrl + path, { ...init, headers });
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw unreachable(baseUrl, cause);
    }
    if (response.ok) return response;
    const body = parseAnswer<ApiErrorBody>(await textOf(response, init.signal));
    if (typeof body.error?.message !== 'string')
      throw brokenAnswer(`The gateway answered with status ${response.status}.`);
    throw refusedBy(body, response);
  }
}

export function post(body: object, signal: AbortSignal | undefined): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal };
}

export function unreachable(baseUrl: string | undefined, cause: unknown): ApiClientError {
  const where = baseUrl || 'its address';
  return new ApiClientError('ERR_API_UNREACHABLE', `No answer from the gateway at ${where}: is it running?`, { cause });
}
