import type { AuthMode } from '@blyan/api';
import { type Clock, GUEST, type KeyValueStore, type Principal, SCOPES } from '@blyan/interface';
import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { isLoopbackHost } from '../loopback.ts';
import { ContractWallets } from './contract-wallet.ts';
import { readCookie } from './cookies.ts';
import { LocalAuthStore } from './local-auth-store.ts';
import { Sessions } from './sessions.ts';
import { SignIn } from './sign-in.ts';
import { cookieNames, type SignInOrigins, signInOrigins } from './sign-in-origins.ts';

export interface AccessOptions {
  readonly host: string;
  /** Undefined: optional on loopback, required elsewhere. */
  readonly auth: AuthMode | undefined;
  /** Where people reach the gateway; null: on loopback, where it listens. */
  readonly origin: string | null;
  readonly chainIds: readonly number[];
  /** Null: wallets that are contracts cannot sign in. */
  readonly ethereumRpc: string | null;
}

export interface AccessDeps {
  readonly clock: Clock;
  /** Null: sessions and keys end with the process. */
  readonly accounts: KeyValueStore | null;
}

/** Who may do what at this gateway: origins, sessions, sign-in. */
export class Access {
  readonly mode: AuthMode;
  readonly sessions: Sessions;
  readonly signIn: SignIn;
  readonly chainIds: readonly number[];
  readonly #options: AccessOptions;
  readonly #store: LocalAuthStore;
  #origins: SignInOrigins;

  constructor(options: AccessOptions, { clock, accounts }: AccessDeps) {
    const { host, chainIds, ethereumRpc } = options;
    this.chainIds = chainIds;
    this.mode = options.auth ?? (isLoopbackHost(host) ? 'optional' : 'required');
    this.#options = options;
    this.#store = new LocalAuthStore(clock, accounts);
    this.sessions = new Sessions(this.#store, clock);
    const contracts = ethereumRpc === null ? null : new ContractWallets(ethereumRpc);
    this.signIn = new SignIn({ store: this.#store, clock, chainIds, contracts });
    this.#origins = { origins: [], refusal: 'The gateway is not listening yet.' };
  }

  /** Reads sessions and keys, and makes the first sign-in as fast as the others. */
  async load(): Promise<void> {
    await this.#store.load();
    if (this.mode !== 'off') SignIn.warmUp();
  }

  /** @param port that the gateway listens on */
  listening(port: number): void {
    const { host, origin } = this.#options;
    this.#origins = signInOrigins(origin, host, port);
  }

  /** Why nobody can sign in, or null. */
  get refusal(): string | null {
    return this.mode === 'off' ? 'This gateway takes everybody as a guest: nobody signs in.' : this.#origins.refusal;
  }

  /**
   * The origin that a request for the routes of cookies comes from: the browser names it, and it must be one of ours.
   *
   * @throws GatewayError ERR_GATEWAY_SIGN_IN_UNAVAILABLE, ERR_GATEWAY_ORIGIN_REFUSED
   */
  ownOrigin(request: FastifyRequest): string {
    if (this.refusal !== null) {
      throw new GatewayError('ERR_GATEWAY_SIGN_IN_UNAVAILABLE', this.refusal, { kind: 'caller' });
    }
    const origin = this.#originOf(request);
    if (origin !== null) return origin;
    const [main] = this.#origins.origins;
    const message = `Only the gateway's own page may do this: open ${main}.`;
    throw new GatewayError('ERR_GATEWAY_ORIGIN_REFUSED', message, { kind: 'caller' });
  }

  /** Who a request is from. A page of another origin is nobody, whatever cookies its browser sends. */
  async principalOf(request: FastifyRequest): Promise<Principal> {
    if (this.refusal !== null) return GUEST;
    const origin = this.#originOf(request);
    if (origin === null) return GUEST;
    const session = await this.sessions.find(readCookie(request.headers.cookie, cookieNames(origin).session));
    return session === null ? GUEST : { kind: 'address', account: session.account, keyId: null, scopes: SCOPES };
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
