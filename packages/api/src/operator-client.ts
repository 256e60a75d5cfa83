import type { CreatedKey } from './auth.ts';
import type { WantedKey } from './auth-client.ts';
import { type Gateways, post } from './gateways.ts';
import type { OperatorKeyList } from './operator.ts';
import { API_ROUTES } from './routes.ts';

/**
 * API keys of any account, for whoever runs the gateway: the client's `apiKeyOf` is the operator's token. Functions throw as those
 * of `ApiClient` do.
 */
export class OperatorClient {
  readonly #gateways: Gateways;

  constructor(gateways: Gateways) {
    this.#gateways = gateways;
  }

  /** @param account of which; the newest of all without one */
  keys(account?: string, signal?: AbortSignal): Promise<OperatorKeyList> {
    return this.#gateways.json(API_ROUTES.operatorKeys.path + queryOf(account), { signal });
  }

  createKey(account: string, wanted: WantedKey, signal?: AbortSignal): Promise<CreatedKey> {
    return this.#gateways.json(API_ROUTES.operatorKeys.path, post({ account, ...wanted }, signal));
  }

  /** @returns whether the account had it */
  async revokeKey(account: string, id: string, signal?: AbortSignal): Promise<boolean> {
    const path = API_ROUTES.operatorKeyById.path.replace(':id', encodeURIComponent(id)) + queryOf(account);
    const { revoked } = await this.#gateways.json<{ revoked: number }>(path, { method: 'DELETE', signal });
    return revoked > 0;
  }
}

function queryOf(account: string | undefined): string {
  return account === undefined ? '' : `?account=${encodeURIComponent(account)}`;
}
