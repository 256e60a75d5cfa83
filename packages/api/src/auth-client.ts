import type { Scope } from '@blyan/interface';
import type {
  CreatedKey,
  KeyList,
  LimitsAnswer,
  SessionAnswer,
  SessionList,
  SignedInAnswer,
  SiweChallengeAnswer,
} from './auth.ts';
import type { DeviceAnswer, DeviceKeyAnswer, DeviceView } from './device.ts';
import { type Gateways, post } from './gateways.ts';
import { API_ROUTES } from './routes.ts';

export interface WantedKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null: until it is revoked. */
  readonly expiresInDays: number | null;
}

/**
 * Signing in, sessions, API keys and limits as functions; they throw as those of `ApiClient` do. Sessions need a `fetch`
 * that keeps cookies, as that of a page does.
 */
export class AuthClient {
  readonly #gateways: Gateways;

  constructor(gateways: Gateways) {
    this.#gateways = gateways;
  }

  session(signal?: AbortSignal): Promise<SessionAnswer> {
    return this.#gateways.json(API_ROUTES.session.path, { signal });
  }

  challenge(address: string, chainId: number, signal?: AbortSignal): Promise<SiweChallengeAnswer> {
    return this.#gateways.json(API_ROUTES.siweChallenge.path, post({ address, chainId }, signal));
  }

  verify(message: string, signature: string, signal?: AbortSignal): Promise<SignedInAnswer> {
    return this.#gateways.json(API_ROUTES.siweVerify.path, post({ message, signature }, signal));
  }

  async logout(signal?: AbortSignal): Promise<void> {
    await this.#gateways.any(API_ROUTES.logout.path, { method: 'POST', signal });
  }

  sessions(signal?: AbortSignal): Promise<SessionList> {
    return this.#gateways.json(API_ROUTES.sessions.path, { signal });
  }

  /** Ends one session of the account, as listed. @returns whether the account had it */
  async endSession(id: string, signal?: AbortSignal): Promise<boolean> {
    const path = API_ROUTES.sessionById.path.replace(':id', encodeURIComponent(id));
    return (await this.#revoke(path, signal)) > 0;
  }

  /** Ends all sessions of the account but the one that asks. @returns how many */
  endOtherSessions(signal?: AbortSignal): Promise<number> {
    return this.#revoke(`${API_ROUTES.sessions.path}?except=current`, signal);
  }

  keys(signal?: AbortSignal): Promise<KeyList> {
    return this.#gateways.json(API_ROUTES.keys.path, { signal });
  }

  createKey(wanted: WantedKey, signal?: AbortSignal): Promise<CreatedKey> {
    return this.#gateways.json(API_ROUTES.keys.path, post(wanted, signal));
  }

  /** @returns whether the account had it */
  async revokeKey(id: string, signal?: AbortSignal): Promise<boolean> {
    const path = API_ROUTES.keyById.path.replace(':id', encodeURIComponent(id));
    return (await this.#revoke(path, signal)) > 0;
  }

  limits(signal?: AbortSignal): Promise<LimitsAnswer> {
    return this.#gateways.json(API_ROUTES.limits.path, { signal });
  }

  /** Asks for a key that a person approves at the page: for programs without a browser. */
  beginDevice(name: string, scopes: readonly Scope[], signal?: AbortSignal): Promise<DeviceAnswer> {
    return this.#gateways.json(API_ROUTES.device.path, post({ name, scopes }, signal));
  }

  /** The key once it is approved; refused with ERR_GATEWAY_DEVICE_CODE when it never will be. */
  deviceKey(deviceCode: string, signal?: AbortSignal): Promise<DeviceKeyAnswer> {
    return this.#gateways.json(API_ROUTES.deviceKey.path, post({ deviceCode }, signal));
  }

  /** What a code is of. */
  device(userCode: string, signal?: AbortSignal): Promise<DeviceView> {
    return this.#gateways.json(devicePath(userCode), { signal });
  }

  async decideDevice(userCode: string, approve: boolean, signal?: AbortSignal): Promise<void> {
    await this.#gateways.any(devicePath(userCode), post({ approve }, signal));
  }

  async #revoke(path: string, signal: AbortSignal | undefined): Promise<number> {
    const { revoked } = await this.#gateways.json<{ revoked: number }>(path, { method: 'DELETE', signal });
    return revoked;
  }
}

function devicePath(userCode: string): string {
  return API_ROUTES.deviceByCode.path.replace(':id', encodeURIComponent(userCode));
}
