import { parseUnits } from '@blyan/api';
import type { ServedModel } from '@blyan/interface';
import { GatewayError } from '../errors.ts';

const PER = 1_000_000n;
const MAX_LINES = 256;

/** Base units of the credit for a token. */
export interface Price {
  readonly prompt: bigint;
  /** Of a prompt's token that was kept from before; at most that of one that was not. */
  readonly cachedPrompt: bigint;
  readonly completion: bigint;
}

/** Tokens that were computed for an answer. */
export interface Tokens {
  /** Those that were cached included. */
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
}

/** Prices by a model's name or root; `*` stands for every other one. */
export type PriceTable = ReadonlyMap<string, Price>;

export const FREE: Price = Object.freeze({ prompt: 0n, cachedPrompt: 0n, completion: 0n });

/**
 * A table from lines `MODEL=PROMPT/COMPLETION` or `MODEL=PROMPT/COMPLETION/CACHED`: the name or root of a model, or `*`, and
 * credits for a million tokens; without a price of their own cached ones cost what the others do.
 *
 * @throws GatewayError ERR_GATEWAY_PRICES naming the line
 */
export function parsePrices(lines: readonly string[]): PriceTable {
  const table = new Map<string, Price>();
  if (lines.length > MAX_LINES) throw wrong(`${lines.length} prices are too many`);
  for (const line of lines) {
    const at = line.lastIndexOf('=');
    const model = line.slice(0, Math.max(at, 0));
    const [prompt, completion, cached = prompt, ...rest] = line
      .slice(at + 1)
      .split('/')
      .map(perToken);
    if (model === '' || !prompt || !completion || !cached || rest.length > 0) {
      // A token of a price that is no whole number of base units could not be charged exactly.
      throw wrong(
        `"${line.slice(0, 200)}" is no price: write MODEL=PROMPT/COMPLETION/CACHED, as *=0.5/1.5/0.125 (credits a million tokens, at most 12 decimals)`,
      );
    }
    if (table.has(model)) throw wrong(`the price of "${model.slice(0, 200)}" is there twice`);
    // What is set aside is the price of a prompt that nobody has kept.
    if (cached.units > prompt.units) throw wrong(`cached tokens of "${model.slice(0, 200)}" cost more than others`);
    table.set(model, { prompt: prompt.units, cachedPrompt: cached.units, completion: completion.units });
  }
  if (!table.has('*'))
    throw wrong('a line for "*" is missing, which is the price of models that have none of their own');
  return table;
}

function perToken(text: string): { readonly units: bigint } | null {
  const units = parseUnits(text.trim());
  return units === null || units % PER !== 0n ? null : { units: units / PER };
}

function wrong(what: string): GatewayError {
  return new GatewayError('ERR_GATEWAY_PRICES', `Prices: ${what}.`, { kind: 'caller' });
}

export function priceOf(table: PriceTable, { name, root }: Pick<ServedModel, 'name' | 'root'>): Price {
  return table.get(root) ?? table.get(name) ?? table.get('*') ?? FREE;
}

/** Base units. */
export function costOf({ prompt, cachedPrompt, completion }: Price, tokens: Tokens): bigint {
  const computed = prompt * BigInt(tokens.prompt - tokens.cached);
  return computed + cachedPrompt * BigInt(tokens.cached) + completion * BigInt(tokens.completion);
}
