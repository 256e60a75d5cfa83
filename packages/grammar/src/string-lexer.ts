// The inside of a JSON string as a table over bytes: RFC 8259, section 7, and well-formed UTF-8 (RFC 3629). Escapes of
// surrogates come in pairs only, so that every string is text.

export const [QUOTE, BACKSLASH, LETTER_U] = [0x22, 0x5c, 0x75] as const;
/** What the letter behind a backslash stands for. */
export const SHORT_ESCAPES: ReadonlyMap<number, number> = new Map([
  [QUOTE, QUOTE],
  [BACKSLASH, BACKSLASH],
  [0x2f, 0x2f],
  [0x62, 8],
  [0x66, 12],
  [0x6e, 10],
  [0x72, 13],
  [0x74, 9],
]);

/** Between two characters. */
export const CONTENT = 0;
/** The closing quote was the byte. */
export const CLOSED = -2;
/** The byte cannot stand here. */
export const REFUSED = -1;
/** Behind a backslash. */
export const ESCAPE = 1;

const [U_FIRST, U_SURROGATE, U_THREE, U_TWO, U_ONE] = [2, 3, 4, 5, 6] as const;
const [HIGH_TWO, HIGH_ONE, LOW_BACKSLASH, LOW_U, LOW_D, LOW_RANGE] = [7, 8, 9, 10, 11, 12] as const;
const [ONE_MORE, TWO_MORE, THREE_MORE, AFTER_E0, AFTER_ED, AFTER_F0, AFTER_F4] = [13, 14, 15, 16, 17, 18, 19] as const;
export const LEXER_STATES = 20;

const TABLE = new Int8Array(LEXER_STATES * 256).fill(REFUSED);

function on(state: number, first: number, last: number, next: number): void {
  TABLE.fill(next, state * 256 + first, state * 256 + last + 1);
}
function onAny(state: number, characters: string, next: number): void {
  for (const character of characters) on(state, character.charCodeAt(0), character.charCodeAt(0), next);
}
const HEX = '0123456789abcdefABCDEF';

on(CONTENT, 0x20, 0x7f, CONTENT);
onAny(CONTENT, '"', CLOSED);
onAny(CONTENT, '\\', ESCAPE);
on(CONTENT, 0xc2, 0xdf, ONE_MORE);
on(CONTENT, 0xe0, 0xe0, AFTER_E0);
on(CONTENT, 0xe1, 0xef, TWO_MORE);
on(CONTENT, 0xed, 0xed, AFTER_ED);
on(CONTENT, 0xf0, 0xf0, AFTER_F0);
on(CONTENT, 0xf1, 0xf3, THREE_MORE);
on(CONTENT, 0xf4, 0xf4, AFTER_F4);
on(ONE_MORE, 0x80, 0xbf, CONTENT);
on(TWO_MORE, 0x80, 0xbf, ONE_MORE);
on(THREE_MORE, 0x80, 0xbf, TWO_MORE);
on(AFTER_E0, 0xa0, 0xbf, ONE_MORE);
on(AFTER_ED, 0x80, 0x9f, ONE_MORE);
on(AFTER_F0, 0x90, 0xbf, TWO_MORE);
on(AFTER_F4, 0x80, 0x8f, TWO_MORE);
onAny(ESCAPE, '"\\/bfnrt', CONTENT);
onAny(ESCAPE, 'u', U_FIRST);
onAny(U_FIRST, HEX, U_THREE);
onAny(U_FIRST, 'dD', U_SURROGATE);
onAny(U_SURROGATE, '01234567', U_TWO);
onAny(U_SURROGATE, '89abAB', HIGH_TWO);
onAny(U_THREE, HEX, U_TWO);
onAny(U_TWO, HEX, U_ONE);
onAny(U_ONE, HEX, CONTENT);
onAny(HIGH_TWO, HEX, HIGH_ONE);
onAny(HIGH_ONE, HEX, LOW_BACKSLASH);
onAny(LOW_BACKSLASH, '\\', LOW_U);
onAny(LOW_U, 'u', LOW_D);
onAny(LOW_D, 'dD', LOW_RANGE);
onAny(LOW_RANGE, 'cdefCDEF', U_TWO);

/** The state behind a byte, `CLOSED`, or `REFUSED`. A character counts from its first byte on. */
export function lex(state: number, byte: number): number {
  return TABLE[state * 256 + byte] as number;
}
