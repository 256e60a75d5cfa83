import type { AuthMode } from '@blyan/api';
import {
  type Clock,
  GUEST,
  type KeyValueStore,
  type Logger,
  type Principal,
  SCOPES,
  type Scope,
} from '@blyan/interface';
import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { Limits } from '../limits/limits.ts';
import { isLoopbackHost } from '../loopback.ts';
import { API_KEY_PREFIX, ApiKeys } from './api-keys.ts';
import type { AuthStore } from './auth-store.ts';
import { bearerOf } from './bearer.ts';
import { ContractWallets } from './contract-wallet.ts';
import { readCookie } from './cookies.ts';
import { Devices } from './devices.ts';
import { LocalAuthStore } from './local-auth-store.ts';
import { RedisAuthStore } from './redis-auth-store.ts';
import { type Session, Sessions } from './sessions.ts';
import { SignIn } from './sign-in.ts';
import { cookieNames, type Refusal, type SignInOrigins, signInOrigins } from './sign-in-origins.ts';

const MAX_KEY_LENGTH = 128;
const AUTH_OFF: Refusal = {
  reason: 'auth_off',
  message: 'This gateway takes everybody as a guest: nobody signs in.',
};

export interface AccessOptions {
  readonly host: string;
  /** Undefined: optional on loopback unless its origin says that others are let in through a proxy, required elsewhere. */
  readonly auth: AuthMode | undefined;
  /** Where people reach the gateway; null: on loopback, where it listens. */
  readonly origin: string | null;
  readonly chainIds: readonly number[];
  /** Null: wallets that are contracts cannot sign in. */
  readonly ethereumRpc: string | null;
  /** URL of a Redis that keeps sessions, keys and challenges for several gateways; null: this one keeps its own. */
  readonly authStore: string | null;
}

export interface AccessDeps {
  readonly clock: Clock;
  /** Null: sessions and keys end with the process, unless `authStore` keeps them. */
  readonly accounts: KeyValueStore | null;
  readonly logger: Logger;
}

/** Who may do what at this gateway, and how much of it: origins, sessions, API keys, sign-in, limits. */
export class Access {
  readonly mode: AuthMode;
  readonly sessions: Sessions;
  readonly keys: ApiKeys;
  readonly devices: Devices;
  readonly limits: Limits;
  readonly signIn: SignIn;
  readonly chainIds: readonly number[];
  readonly takesContractWallets: boolean;
  /** Whether several gateways share what it keeps. */
  readonly sharesStore: boolean;
  readonly #options: AccessOptions;
  readonly #store: AuthStore;
  #origins: SignInOrigins;

  constructor(options: AccessOptions, { clock, accounts, logger }: AccessDeps) {
    const { chainIds, ethereumRpc, authStore } = options;
    this.chainIds = chainIds;
    this.mode = options.auth ?? (isOnlyLocal(options) ? 'optional' : 'required');
    this.#options = options;
    this.#store =
      authStore === null
        ? new LocalAuthStore(clock, accounts)
        : new RedisAuthStore({ url: authStore }, { clock, logger });
    this.sessions = new Sessions(this.#store, clock);
    this.keys = new ApiKeys(this.#store, clock);
    this.devices = new Devices(this.#store, clock);
    this.limits = new Limits(this.#store, clock);
    const contracts = ethereumRpc === null ? null : new ContractWallets(ethereumRpc);
    this.signIn = new SignIn({ store: this.#store, clock, chainIds, contracts });
    this.sharesStore = authStore !== null;
    this.takesContractWallets = contracts !== null;
    this.#origins = { origins: [], refusal: null };
  }

  /** Opens the store of sessions and keys, and makes the first sign-in as fast as the others. */
  async open(): Promise<void> {
    await this.#store.open();
    if (this.mode !== 'off') SignIn.warmUp();
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  /** Why sessions and keys cannot be read now; null: they can. */
  get failure(): GatewayError | null {
    return this.#store.failure;
  }

  /** @param port that the gateway listens on */
  listening(port: number): void {
    const { host, origin } = this.#options;
    this.#origins = signInOrigins(origin, host, port);
  }

  /** Why nobody can sign in, or null. */
  get refusal(): Refusal | null {
    return this.mode === 'off' ? AUTH_OFF : this.#origins.refusal;
  }

  /** Whether people reach the gateway over https. */
  get isHttps(): boolean {
    return this.#options.origin?.startsWith('https://') ?? false;
  }

  /** Where people can sign in, the main one first; none before the gateway listens. */
  get origins(): readonly string[] {
    return this.refusal === null ? this.#origins.origins : [];
  }

  /**
   * The origin that a request for the routes of cookies comes from: the browser names it, and it must be one of ours.
   *
   * @throws GatewayError ERR_GATEWAY_SIGN_IN_UNAVAILABLE, ERR_GATEWAY_ORIGIN_REFUSED
   */
  ownOrigin(request: FastifyRequest): string {
    if (this.refusal !== null) {
      throw new GatewayError('ERR_GATEWAY_SIGN_IN_UNAVAILABLE', this.refusal.message, { kind: 'caller' });
    }
    const origin = this.#originOf(request);
    if (origin !== null) return origin;
    const [main] = this.#origins.origins;
    const message = `Only the gateway's own page may do this: open ${main}.`;
    throw new GatewayError('ERR_GATEWAY_ORIGIN_REFUSED', message, { kind: 'caller' });
  }

  /**
   * Who a request is from: its API key decides, otherwise its session. A page of another origin is nobody, whatever
   * cookies its browser sends. Keys that are not ours count as none.
   *
   * @throws GatewayError ERR_GATEWAY_KEY_UNKNOWN for one of ours that is revoked or was never given
   */
  async principalOf(request: FastifyRequest): Promise<Principal> {
    if (this.mode === 'off') return GUEST;
    const bearer = bearerOf(request);
    if (bearer.startsWith(API_KEY_PREFIX)) return await this.#holderOf(bearer);
    const session = await this.sessionOf(request);
    return session === null ? GUEST : { kind: 'address', account: session.account, keyId: null, scopes: SCOPES };
  }

  /** The session of a request of the gateway's own page, or null. */
  async sessionOf(request: FastifyRequest): Promise<Session | null> {
    if (this.refusal !== null) return null;
    const origin = this.#originOf(request);
    if (origin === null) return null;
    return await this.sessions.find(readCookie(request.headers.cookie, cookieNames(origin).session));
  }

  /** @throws GatewayError ERR_GATEWAY_UNAUTHENTICATED, ERR_GATEWAY_SCOPE */
  assertMayCompute(principal: Principal): void {
    if (principal.kind === 'guest' && this.mode === 'required') {
      const how = this.refusal === null ? 'sign in on its page and make a key there' : 'ask its operator for a key';
      throw unauthenticated(
        `This gateway answers only to those it knows: send an API key (${API_KEY_PREFIX}…), or ${how}.`,
      );
    }
    assertScope(principal, 'inference');
  }

  async #holderOf(secret: string): Promise<Principal> {
    const key = secret.length > MAX_KEY_LENGTH ? null : await this.keys.find(secret);
    if (key !== null) return { kind: 'key', account: key.account, keyId: key.id, scopes: key.scopes };
    const message = 'This API key is unknown here, was revoked, or has expired: make a new one.';
    throw new GatewayError('ERR_GATEWAY_KEY_UNKNOWN', message, { kind: 'caller' });
  }

  #originOf({ headers }: FastifyRequest): string | null {
    const { origins } = this.#origins;
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return null;
    // Browsers send none with what is no cross-origin request, and programs never.
    if (headers.origin === undefined) return origins[0] ?? null;
    return origins.find((own) => own === headers.origin) ?? null;
  }
}

/** Whether nobody but programs of this machine reaches the gateway: it listens on loopback, and no proxy lets others in. */
function isOnlyLocal({ host, origin }: Pick<AccessOptions, 'host' | 'origin'>): boolean {
  if (!isLoopbackHost(host)) return false;
  return origin === null || (URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname));
}

/** @throws GatewayError ERR_GATEWAY_SCOPE */
export function assertScope(principal: Principal, scope: Scope): void {
  if (principal.scopes.includes(scope)) return;
  const message = `This API key has no right to ${scope}: use one that has.`;
  throw new GatewayError('ERR_GATEWAY_SCOPE', message, { kind: 'caller' });
}

export function unauthenticated(message: string): GatewayError {
  return new GatewayError('ERR_GATEWAY_UNAUTHENTICATED', message, { kind: 'caller' });
}
