import { CLOSED, CONTENT, LEXER_STATES, lex, REFUSED } from './string-lexer.ts';
import { allowAt, emptyMask, type TokenMask } from './token-mask.ts';
import type { TokenTrie } from './token-trie.ts';

/** Where tokens close a string: the trie's node behind the quote, and the characters before it. */
export interface Closing {
  readonly node: number;
  readonly characters: number;
}

interface Table {
  /** Nodes of the trie that stay inside the string, by the characters that begin in them. */
  readonly inside: readonly (readonly number[])[];
  readonly closings: readonly Closing[];
  /** By the most characters allowed, made when asked for. */
  readonly masks: TokenMask[];
}

/**
 * What tokens do inside a string. It is nearly the whole vocabulary, and depends on nothing around the string, so that it
 * is walked once and not for every state of every schema.
 */
export class StringTables {
  readonly #trie: TokenTrie;
  readonly #vocabularySize: number;
  readonly #tables: (Table | undefined)[] = new Array(LEXER_STATES);

  constructor(trie: TokenTrie, vocabularySize: number) {
    this.#trie = trie;
    this.#vocabularySize = vocabularySize;
  }

  /** Tokens that stay inside a string in which at most so many characters may begin. Not to be changed. */
  inside(lexer: number, most: number): TokenMask {
    const { inside, masks } = this.#table(lexer);
    const characters = Math.min(most, inside.length - 1);
    const known = masks[characters];
    if (known) return known;
    const mask = emptyMask(this.#vocabularySize);
    for (const nodes of inside.slice(0, characters + 1)) {
      for (const node of nodes) allowAt(mask, this.#trie, node);
    }
    // In the middle of a character little may follow, so that these are quickly made again.
    if (lexer === CONTENT) masks[characters] = mask;
    return mask;
  }

  closings(lexer: number): readonly Closing[] {
    return this.#table(lexer).closings;
  }

  #table(lexer: number): Table {
    let table = this.#tables[lexer];
    if (!table) {
      table = this.#walked(lexer);
      this.#tables[lexer] = table;
    }
    return table;
  }

  #walked(lexer: number): Table {
    const trie = this.#trie;
    const inside: number[][] = [[]];
    const closings: Closing[] = [];
    const walk = (node: number, state: number, characters: number) => {
      for (const child of trie.childrenOf(node)) {
        const next = lex(state, trie.byteOf(child));
        if (next === REFUSED) continue;
        if (next === CLOSED) {
          closings.push({ node: child, characters });
          continue;
        }
        const count = state === CONTENT ? characters + 1 : characters;
        while (inside.length <= count) inside.push([]);
        if (trie.tokenAt(child) >= 0) inside[count]?.push(child);
        walk(child, next, count);
      }
    };
    walk(0, lexer, 0);
    return { inside, closings, masks: [] };
  }
}
