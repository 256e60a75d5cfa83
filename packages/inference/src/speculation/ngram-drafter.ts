import { CONFIDENCE_CLASSES, type Draft, type Drafter, NO_DRAFT } from './drafter.ts';
import { GRAM_LENGTHS, GramIndex, gramHashes } from './gram-index.ts';
import { TokenLog } from './token-log.ts';

/** Longer agreement with what came before is not looked for. */
const MAX_MATCH = 64;
/** The least agreement of each class: 2 to 8 tokens have one each, then they widen. */
const CLASS_FROM = [2, 3, 4, 5, 6, 7, 8, 9, 11, 14, 18, 24, 32, 40, 50, 64];

/**
 * Continues a text as it went on the last time its end occurred: prompt look-up, the drafter that costs nothing. The
 * longest of the last 8, 6, 4, 3 or 2 tokens that occurred before counts, its most recent occurrence first; a draft
 * that reaches the end of the text goes on in what it drafted, so text that goes round is drafted without end. The
 * class of a token is the length of the agreement behind it. Constant work per token (amortised) and per draft, whatever
 * the text; 4 bytes per token and at most 20 MB of index.
 *
 * @see Saxena, "Prompt Lookup Decoding", 2023
 */
export class NgramDrafter implements Drafter {
  readonly #text = new TokenLog();
  readonly #index = new GramIndex();

  observe(tokens: readonly number[]): void {
    for (const token of tokens) {
      this.#index.add(this.#text, this.#text.length);
      this.#text.push(token);
    }
  }

  draft(pending: readonly number[], max: number): Draft {
    const text = this.#text;
    const length = text.length + pending.length;
    const at = (position: number) =>
      position < text.length ? text.at(position) : (pending[position - text.length] as number);
    const hashes = gramHashes(length, (back) => at(length - back));
    const absent = GRAM_LENGTHS.length - hashes.length;
    for (const [index, hash] of hashes.entries()) {
      const which = absent + index;
      const from = this.#index.find(which, hash);
      if (from === 0) continue;
      const match = agreement(at, from, length);
      if (match < (GRAM_LENGTHS[which] as number)) continue;
      return continued(at, from, length, match, max);
    }
    return NO_DRAFT;
  }
}

/** Number of tokens before two positions that are the same. */
function agreement(at: (position: number) => number, first: number, second: number): number {
  let match = 0;
  while (match < MAX_MATCH && match < first && at(first - 1 - match) === at(second - 1 - match)) match++;
  return match;
}

function continued(at: (position: number) => number, from: number, length: number, match: number, max: number): Draft {
  const tokens: number[] = [];
  const classes: number[] = [];
  for (let index = 0; index < max; index++) {
    const source = from + index;
    tokens.push(source < length ? at(source) : (tokens[source - length] as number));
    classes.push(classOf(match + index));
  }
  return { tokens, classes };
}

const CLASS_OF = Array.from({ length: MAX_MATCH + 1 }, (_, match) =>
  Math.max(
    0,
    CLASS_FROM.findLastIndex((least) => match >= least),
  ),
);

function classOf(match: number): number {
  return Math.min(CLASS_OF[Math.min(match, MAX_MATCH)] as number, CONFIDENCE_CLASSES - 1);
}
