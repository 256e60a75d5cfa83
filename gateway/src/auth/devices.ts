import { randomInt } from 'node:crypto';
import { USER_CODE_LENGTH, USER_CODE_LETTERS, userCode } from '@blyan/api';
import type { Clock, Scope } from '@blyan/interface';
import { GatewayError } from '../errors.ts';
import { rateLimited } from '../limits/rate-limited.ts';
import { TokenBuckets } from '../limits/token-buckets.ts';
import type { AuthRecord, AuthStore } from './auth-store.ts';
import { newSecret, secretId } from './secret.ts';

/** How long a person may take to approve. */
const DEVICE_MS = 10 * 60_000;
/** How long a program waits between two questions. */
export const POLL_SECONDS = 1;
const POLL_RATE = { size: 3, periodMs: 3 * POLL_SECONDS * 1000 };
/** Requests from one network. */
const START_RATE = { size: 30, periodMs: 60_000 };
/** Codes that one account may look at: with 34 bits each nobody finds one by trying. */
const LOOK_RATE = { size: 20, periodMs: 60_000 };

/** A program that waits for a person. */
export interface WaitingDevice {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null: not known, or this machine. */
  readonly network: string | null;
  readonly expiresAtMs: number;
}

interface DeviceData extends Omit<WaitingDevice, 'expiresAtMs'> {
  /** Of the secret that only the program has. */
  readonly program: string;
  /** Who approved. */
  readonly approvedBy: string | null;
}

/**
 * Programs that get a key because a person approves it elsewhere, after RFC 8628 (OAuth device grant): the program has a
 * device code and shows a user code, the person who is signed in enters that, and the program gets what was approved, once.
 */
export class Devices {
  readonly #store: AuthStore;
  readonly #clock: Clock;
  readonly #rates: TokenBuckets;

  constructor(store: AuthStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#rates = new TokenBuckets(clock);
  }

  /** @throws GatewayError ERR_GATEWAY_RATE_LIMITED */
  async begin(wanted: Omit<WaitingDevice, 'expiresAtMs'>) {
    this.#take(`start ${wanted.network}`, START_RATE, 'This network asked for 30 codes in a minute');
    const code = newUserCode();
    const secret = newSecret();
    const createdAtMs = this.#clock.nowMs();
    const expiresAtMs = createdAtMs + DEVICE_MS;
    const data: DeviceData = { ...wanted, program: secretId(secret), approvedBy: null };
    await this.#store.put(
      'device',
      { id: idOf(code), account: '', createdAtMs, expiresAtMs, data: { ...data } },
      false,
    );
    return { deviceCode: `${code}.${secret}`, userCode: code, expiresAtMs };
  }

  /**
   * What the code is of, to somebody who may approve it.
   * @throws GatewayError ERR_GATEWAY_DEVICE_CODE, ERR_GATEWAY_RATE_LIMITED
   */
  async look(code: string, account: string): Promise<WaitingDevice> {
    return waiting(await this.#waiting(code, account));
  }

  /**
   * Of accounts that approve one code, the first one does; it may say so again.
   * @throws GatewayError ERR_GATEWAY_DEVICE_CODE, ERR_GATEWAY_RATE_LIMITED, ERR_GATEWAY_AUTH_STORE
   */
  async approve(code: string, account: string): Promise<void> {
    const record = await this.#find(code, account);
    const { approvedBy } = dataOf(record);
    if (approvedBy === account) return;
    const approved = { ...record, data: { ...record.data, approvedBy: account } };
    if (approvedBy !== null || !(await this.#store.replace('device', record, approved))) throw unknownCode();
  }

  /** The program hears of it as of a code that ran out. @throws GatewayError ERR_GATEWAY_DEVICE_CODE, ERR_GATEWAY_RATE_LIMITED */
  async refuse(code: string, account: string): Promise<void> {
    await this.#store.take('device', (await this.#waiting(code, account)).id);
  }

  /**
   * Who approved what, to one call of those that ask; null while nobody did.
   * @throws GatewayError ERR_GATEWAY_DEVICE_CODE, ERR_GATEWAY_RATE_LIMITED
   */
  async collect(deviceCode: string): Promise<(WaitingDevice & { readonly account: string }) | null> {
    const [code = '', secret = ''] = deviceCode.split('.', 2);
    const record = userCode.safeParse(code).success ? await this.#store.get('device', idOf(code)) : null;
    if (record === null || dataOf(record).program !== secretId(secret)) throw unknownCode();
    this.#take(`poll ${record.id}`, POLL_RATE, 'This is asked more than once in a second');
    if (dataOf(record).approvedBy === null) return null;
    const taken = await this.#store.take('device', record.id);
    const account = taken && dataOf(taken).approvedBy;
    if (!taken || !account) throw unknownCode();
    return { ...waiting(taken), account };
  }

  async #waiting(code: string, account: string): Promise<AuthRecord> {
    const record = await this.#find(code, account);
    if (dataOf(record).approvedBy !== null) throw unknownCode();
    return record;
  }

  async #find(code: string, account: string): Promise<AuthRecord> {
    this.#take(`look ${account}`, LOOK_RATE, 'This account tried 20 codes in a minute');
    const record = await this.#store.get('device', idOf(code));
    if (record === null) throw unknownCode();
    return record;
  }

  #take(key: string, rate: { readonly size: number; readonly periodMs: number }, why: string): void {
    const waitMs = this.#rates.waitMs(key, rate);
    if (waitMs > 0) throw rateLimited(why, waitMs);
    this.#rates.charge(key, rate);
  }
}

function newUserCode(): string {
  const letter = () => USER_CODE_LETTERS[randomInt(USER_CODE_LETTERS.length)];
  return Array.from({ length: USER_CODE_LENGTH }, letter).join('');
}

const idOf = (code: string) => secretId(`device ${code}`);
const dataOf = ({ data }: AuthRecord) => data as unknown as DeviceData;

function waiting(record: AuthRecord): WaitingDevice {
  const { name, scopes, network } = dataOf(record);
  return { name, scopes, network, expiresAtMs: record.expiresAtMs ?? record.createdAtMs };
}

function unknownCode(): GatewayError {
  const message =
    'This code was never given, was approved, used or refused by somebody, or is older than 10 minutes: begin again.';
  return new GatewayError('ERR_GATEWAY_DEVICE_CODE', message, { kind: 'caller' });
}
