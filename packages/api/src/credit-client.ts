import type { QuoteAnswer, QuoteRequest, StatementAnswer, TrialBalanceAnswer } from './credits.ts';
import { type Gateways, post } from './gateways.ts';
import { API_ROUTES } from './routes.ts';

/** Credits of an account as functions; they throw as those of `ApiClient` do. */
export class CreditClient {
  readonly #gateways: Gateways;

  constructor(gateways: Gateways) {
    this.#gateways = gateways;
  }

  /** The latest lines first; `before` is `next` of the page before. */
  statement(
    page: { readonly before?: number; readonly limit?: number } = {},
    signal?: AbortSignal,
  ): Promise<StatementAnswer> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(page)) if (value !== undefined) query.set(name, String(value));
    return this.#gateways.json(`${API_ROUTES.statement.path}?${query}`, { signal });
  }

  quote(request: QuoteRequest, signal?: AbortSignal): Promise<QuoteAnswer> {
    return this.#gateways.json(API_ROUTES.quotes.path, post(request, signal));
  }

  /** For programs on the gateway's machine. */
  trialBalance(signal?: AbortSignal): Promise<TrialBalanceAnswer> {
    return this.#gateways.json(API_ROUTES.trialBalance.path, { signal });
  }
}
