/** What a stream decoder needs to know about a vocabulary. */
export interface TokenText {
  tokenBytes(id: number): Uint8Array;
  isSpecial(id: number): boolean;
  readonly stripsLeadingSpace: boolean;
}

/**
 * Turns tokens into text as they come. The concatenation of everything returned is the decoding of the whole
 * sequence, whatever the cuts; a code point is returned once all its bytes are there. Bytes that can never become
 * valid UTF-8 become U+FFFD, one per maximal ill-formed part (WHATWG Encoding, as in the reference).
 */
export class StreamDecoder {
  readonly #text: TokenText;
  readonly #skipSpecial: boolean;
  #utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  #atStart = true;

  constructor(text: TokenText, options: { skipSpecial?: boolean } = {}) {
    this.#text = text;
    this.#skipSpecial = options.skipSpecial ?? true;
  }

  /** The text this token completes; empty while a code point is unfinished. */
  push(id: number): string {
    if (this.#skipSpecial && this.#text.isSpecial(id)) return '';
    let bytes = this.#text.tokenBytes(id);
    if (this.#atStart && this.#text.stripsLeadingSpace && bytes[0] === 0x20) bytes = bytes.subarray(1);
    this.#atStart = false;
    return this.#utf8.decode(bytes, { stream: true });
  }

  /** Ends the text: U+FFFD for an unfinished code point, otherwise empty. The decoder is then as new. */
  flush(): string {
    const rest = this.#utf8.decode();
    this.#utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
    this.#atStart = true;
    return rest;
  }
}
