import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock, Root } from '@blyan/interface';
import { z } from 'zod';
import { GatewayError } from '../errors.ts';
import type { Tokens } from './price-table.ts';

/** How long a price is kept. */
export const QUOTE_MS = 5 * 60_000;
const MAX_ID = 512;
const MAC_BYTES = 16;

const quote = z.tuple([
  z.string().max(64),
  z.string().max(64),
  z.int().min(1),
  z.int().min(1),
  z.string().regex(/^\d{1,39}$/),
  z.int(),
]);

/** What an answer of that size costs its account at most. */
export interface Quote {
  readonly account: string;
  readonly root: Root;
  readonly tokens: Tokens;
  /** Base units. */
  readonly amount: bigint;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/**
 * Quotes carry themselves, under a key of this process: none is kept, so that nobody can fill a memory or push out those of others.
 * A restart ends them all.
 */
export class Quotes {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  give({ account, root, tokens, amount }: Omit<Quote, 'expiresAtMs'>): { id: string; expiresAtMs: number } {
    const expiresAtMs = this.#clock.nowMs() + QUOTE_MS;
    const fields = [account, root, tokens.prompt, tokens.completion, String(amount), expiresAtMs];
    const body = Buffer.from(JSON.stringify(fields)).toString('base64url');
    return { id: `${body}.${this.#mac(body).toString('base64url')}`, expiresAtMs };
  }

  /**
   * The most that an answer costs by its quote, base units.
   *
   * @throws GatewayError ERR_GATEWAY_QUOTE_UNKNOWN for one that is not this account's, of another model, too old or made up;
   *   ERR_GATEWAY_QUOTE_EXCEEDED when the answer may have more tokens
   */
  amountFor(id: string, account: string, root: Root, tokens: Tokens): bigint {
    const found = this.#read(id);
    if (
      found === null ||
      found.account !== account ||
      found.root !== root ||
      found.expiresAtMs <= this.#clock.nowMs()
    ) {
      const message =
        'This quote is unknown, older than five minutes, or of another account or model: ask for a new one.';
      throw new GatewayError('ERR_GATEWAY_QUOTE_UNKNOWN', message, { kind: 'caller' });
    }
    const { prompt, completion } = found.tokens;
    if (tokens.prompt <= prompt && tokens.completion <= completion) return found.amount;
    const message =
      `The quote is for a prompt of ${prompt} tokens and an answer of up to ${completion}, this request has ${tokens.prompt} and ` +
      `up to ${tokens.completion}: set max_tokens, or ask for a new quote.`;
    throw new GatewayError('ERR_GATEWAY_QUOTE_EXCEEDED', message, { kind: 'caller' });
  }

  #read(id: string): Quote | null {
    const [body = '', mac = '', ...rest] = id.length > MAX_ID ? [] : id.split('.');
    const given = Buffer.from(mac, 'base64url');
    if (rest.length > 0 || given.length !== MAC_BYTES || !timingSafeEqual(given, this.#mac(body))) return null;
    const parsed = quote.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8'))).data;
    if (parsed === undefined) return null;
    const [account, root, prompt, completion, amount, expiresAtMs] = parsed;
    return { account, root, tokens: { prompt, cached: 0, completion }, amount: BigInt(amount), expiresAtMs };
  }

  #mac(body: string): Buffer {
    return createHmac('sha256', this.#key).update(body).digest().subarray(0, MAC_BYTES);
  }
}
