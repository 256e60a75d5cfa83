import { randomBytes } from 'node:crypto';
import type { Clock } from '@blyan/interface';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { GatewayError } from '../errors.ts';
import { rateLimited } from '../limits/rate-limited.ts';
import { type Rate, TokenBuckets } from '../limits/token-buckets.ts';
import type { AuthStore } from './auth-store.ts';
import type { ContractWallets } from './contract-wallet.ts';
import { addressOfKey, checksumAddress, personalHash, recoverSigner } from './ethereum.ts';
import { newSecret, secretId } from './secret.ts';
import { differingField } from './siwe-differences.ts';
import { composeSiwe, parseSiwe, type SiweFields } from './siwe-message.ts';

/** How long a challenge may take to be signed. */
export const CHALLENGE_MS = 5 * 60_000;
/** Challenges of one address. */
const CHALLENGE_RATE = { size: 30, periodMs: 60_000 };
/** Of all addresses from one network: wallets cost nothing, and sessions must not fill up with those of one machine. */
const NETWORK_RATE = { size: 120, periodMs: 60_000 };
const WARM_UPS = 4;
const STATEMENT = 'Sign in to this Blyan gateway. This costs nothing and sends no transaction.';

export interface Challenge {
  readonly message: string;
  readonly nonce: string;
  readonly expiresAtMs: number;
  /** For the cookie without which the signature is worth nothing. */
  readonly secret: string;
}

export interface SignInDeps {
  readonly store: AuthStore;
  readonly clock: Clock;
  /** EIP-155 ids a wallet may be on. */
  readonly chainIds: readonly number[];
  /** Null: wallets that are contracts cannot sign in. */
  readonly contracts: ContractWallets | null;
}

/**
 * Sign-In with Ethereum (EIP-4361). The whole message is made here, kept under its nonce, and taken back exactly once, by
 * the browser it was given to; then it must be the same in every byte, and signed by its address.
 */
export class SignIn {
  readonly #deps: SignInDeps;
  readonly #rates: TokenBuckets;

  constructor(deps: SignInDeps) {
    this.#deps = deps;
    this.#rates = new TokenBuckets(deps.clock);
  }

  /**
   * @param origin one of the gateway's own
   * @param address `0x` and 40 hex digits
   * @param network where the request comes from; null: from this machine
   * @throws GatewayError ERR_GATEWAY_CHAIN_ID, ERR_GATEWAY_RATE_LIMITED
   */
  async challenge(origin: string, address: string, chainId: number, network: string | null): Promise<Challenge> {
    const { store, clock, chainIds } = this.#deps;
    if (!chainIds.includes(chainId)) throw chainRefused(chainIds);
    const account = address.toLowerCase();
    this.#take(account, CHALLENGE_RATE, 'address');
    if (network !== null) this.#take(`from ${network}`, NETWORK_RATE, 'network');
    const nowMs = clock.nowMs();
    const fields: SiweFields = {
      domain: new URL(origin).host,
      address: checksumAddress(account),
      statement: STATEMENT,
      uri: origin,
      chainId,
      nonce: bytesToHex(randomBytes(16)),
      issuedAt: new Date(nowMs).toISOString(),
      expirationTime: new Date(nowMs + CHALLENGE_MS).toISOString(),
    };
    const secret = newSecret();
    const expiresAtMs = nowMs + CHALLENGE_MS;
    const data = { fields, browser: secretId(secret) };
    await store.put(
      'challenge',
      { id: secretId(fields.nonce), account: '', createdAtMs: nowMs, expiresAtMs, data },
      false,
    );
    return { message: composeSiwe(fields), nonce: fields.nonce, expiresAtMs, secret };
  }

  /**
   * The lower-case address that signed. The challenge is spent whatever comes of it.
   *
   * @param secret of the cookie set with the challenge
   * @throws GatewayError ERR_GATEWAY_SIWE_MESSAGE, ERR_GATEWAY_SIWE_NONCE, ERR_GATEWAY_SIWE_MISMATCH,
   *   ERR_GATEWAY_SIWE_SIGNATURE, ERR_GATEWAY_RPC
   */
  async verify(message: string, signature: string, secret: string | undefined): Promise<string> {
    const signed = parseSiwe(message);
    const challenge = await this.#deps.store.take('challenge', secretId(signed.nonce));
    if (challenge === null) {
      throw nonceRefused('This challenge was used already, is older than 5 minutes, or was never given');
    }
    const { fields, browser } = challenge.data as { fields: SiweFields; browser: string };
    if (secret === undefined || secretId(secret) !== browser) {
      throw nonceRefused('This challenge was given to another browser, or its cookie did not come back');
    }
    const field = differingField(signed, fields);
    if (field !== null || message !== composeSiwe(fields)) throw mismatch(field ?? 'message');
    const account = fields.address.toLowerCase();
    if (recoverSigner(message, signature) === account) return account;
    const { contracts } = this.#deps;
    if (await contracts?.accepts(account, fields.chainId, personalHash(message), signature)) return account;
    throw signatureRefused(contracts !== null);
  }

  #take(key: string, rate: Rate, whose: string): void {
    const waitMs = this.#rates.waitMs(key, rate);
    if (waitMs > 0) throw rateLimited(`This ${whose} asked for ${rate.size} challenges in a minute`, waitMs);
    this.#rates.charge(key, rate);
  }

  static #isWarm = false;

  /**
   * Does what every verification does, so that the first person does not wait for code to be compiled: once in a process,
   * where the first time takes 60 ms of processor time, the third 6, later ones 3.
   */
  static warmUp(): void {
    if (SignIn.#isWarm) return;
    SignIn.#isWarm = true;
    for (let i = 0; i < WARM_UPS; i++) verifyOnce();
  }
}

function verifyOnce(): void {
  const seed = new Uint8Array(32).fill(1);
  const time = new Date(0).toISOString();
  const fields = {
    domain: 'localhost',
    statement: STATEMENT,
    uri: 'http://localhost',
    chainId: 1,
    nonce: '0'.repeat(32),
  };
  const address = checksumAddress(addressOfKey(secp256k1.getPublicKey(seed, false)));
  const message = composeSiwe({ ...fields, address, issuedAt: time, expirationTime: time });
  const bytes = secp256k1.sign(personalHash(message), seed, { prehash: false, format: 'recovered' });
  // The recovery id comes first here and last in Ethereum.
  const signature = `0x${bytesToHex(bytes.subarray(1))}${(27 + (bytes[0] ?? 0)).toString(16)}`;
  parseSiwe(message);
  recoverSigner(message, signature);
}

function chainRefused(chainIds: readonly number[]): GatewayError {
  const message = `Sign in with a wallet that is on chain ${chainIds.join(' or ')}: this gateway takes no other.`;
  return new GatewayError('ERR_GATEWAY_CHAIN_ID', message, { kind: 'caller', meta: { param: 'chainId' } });
}

function nonceRefused(why: string): GatewayError {
  return new GatewayError('ERR_GATEWAY_SIWE_NONCE', `${why}: ask for a new one and sign that.`, { kind: 'caller' });
}

function mismatch(field: string): GatewayError {
  return new GatewayError(
    'ERR_GATEWAY_SIWE_MISMATCH',
    `The signed message is not the challenge that was given (${field}): ask for a new one and sign it as it is.`,
    { kind: 'caller', meta: { param: field } },
  );
}

function signatureRefused(askedContract: boolean): GatewayError {
  const more = askedContract ? '' : ' A wallet that is a contract needs an Ethereum node, which this gateway has not.';
  return new GatewayError(
    'ERR_GATEWAY_SIWE_SIGNATURE',
    `The signature is not one of this address for this message: choose the account that you asked for in the wallet.${more}`,
    { kind: 'caller', meta: { param: 'signature' } },
  );
}
