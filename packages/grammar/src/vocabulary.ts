import { GrammarError } from './errors.ts';
import { StringTables } from './string-tables.ts';
import { TokenTrie } from './token-trie.ts';

export interface VocabularyOptions {
  /** Logits of the model: token ids are below it. */
  readonly size: number;
  /** Tokens that end an answer. */
  readonly endTokenIds: readonly number[];
  /** Empty for an id without a token. */
  readonly tokenBytes: (id: number) => Uint8Array;
  /** Special tokens are no part of a text. */
  readonly isSpecial: (id: number) => boolean;
  /** The decoder drops a space at the start of a text. */
  readonly stripsLeadingSpace: boolean;
}

/** A model's tokens by their bytes, and which of them may stand inside a string. Made once for a model. */
export class Vocabulary {
  readonly size: number;
  readonly endTokenIds: readonly number[];
  readonly stripsLeadingSpace: boolean;
  readonly trie: TokenTrie;
  readonly strings: StringTables;

  /** @throws GrammarError ERR_GRAMMAR_VOCABULARY when its tokens cannot spell every document */
  constructor({ size, endTokenIds, tokenBytes, isSpecial, stripsLeadingSpace }: VocabularyOptions) {
    this.size = size;
    this.endTokenIds = endTokenIds.filter((id) => id < size);
    this.stripsLeadingSpace = stripsLeadingSpace;
    const ends = new Set(endTokenIds);
    const bytes = Array.from({ length: size }, (_, id) => (isSpecial(id) || ends.has(id) ? NOTHING : tokenBytes(id)));
    const missing = NEEDED.find((byte) => !bytes.some((token) => token.length === 1 && token[0] === byte));
    if (missing !== undefined || this.endTokenIds.length === 0) {
      const lack = missing === undefined ? 'no token that ends an answer' : `no token for the byte ${missing}`;
      throw new GrammarError('ERR_GRAMMAR_VOCABULARY', `The model cannot be held to a format: it has ${lack}.`);
    }
    this.trie = new TokenTrie(bytes);
    this.strings = new StringTables(this.trie, size);
  }
}

const NOTHING = new Uint8Array(0);
/** Printable ASCII, and what UTF-8 is made of. */
const NEEDED = Array.from({ length: 256 }, (_, byte) => byte).filter(
  (byte) => (byte >= 0x20 && byte <= 0x7e) || (byte >= 0x80 && byte <= 0xbf) || (byte >= 0xc2 && byte <= 0xf4),
);
