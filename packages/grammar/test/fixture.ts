import { Vocabulary } from '../src/index.ts';

const utf8 = new TextEncoder();
/** Pieces such as vocabularies have: parts of documents, of characters, of escapes, and runs of blanks. */
const PIECES =
  `{" "} "}, ", "," ": ":" :" ":{" ":[" [" "] ]} }} [[ ]] {} [] {"a "a": a" "b" ":true null, true} false -1 10 0. .5 e+ 00
  \\" \\u \\u00 \\ud8 d83d \\ude 1F \\\\ \\n" é" 강 강" 🌊 "🌊 hello world" name kind`
    .split(/\s+/)
    .map((piece) => utf8.encode(piece));
const BLANKS = [
  ' ',
  '  ',
  '\n',
  '\n  ',
  '\n    ',
  ', ',
  ': ',
  '{\n  "',
  ',\n  "',
  '"\n}',
  ' "',
  '\t',
  ' {',
  '\n\n',
].map((blank) => utf8.encode(blank));
const PARTS = [
  [0xea, 0xb0],
  [0xb0, 0x95],
  [0xf0, 0x9f],
  [0x8c, 0x8a, 0x22],
  [0x22, 0xea],
  [0xed, 0xa0],
  [0xff, 0x22],
].map((bytes) => Uint8Array.from(bytes));

export const END = 0;
export const SPECIAL = 1;
const SINGLE = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
/** Two tokens may have the same bytes. */
export const TOKENS: readonly Uint8Array[] = [
  utf8.encode('<|end|>'),
  utf8.encode('{"'),
  ...SINGLE,
  ...PIECES,
  ...BLANKS,
  ...PARTS,
  utf8.encode('{"'),
  new Uint8Array(0),
];

export const vocabulary = new Vocabulary({
  size: TOKENS.length + 3,
  endTokenIds: [END],
  tokenBytes: (id) => TOKENS[id] ?? new Uint8Array(0),
  isSpecial: (id) => id === SPECIAL,
  stripsLeadingSpace: false,
});

/** The token of a single byte. */
export const tokenOf = (character: string): number => character.charCodeAt(0) + 2;

/** A text in tokens, which ones being chosen by `pick` among those that go on with it. */
export function tokenise(text: string, pick: (count: number) => number): number[] {
  const bytes = utf8.encode(text);
  const ids: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const fitting = TOKENS.flatMap((token, id) => {
      const isNext = id > SPECIAL && token.length > 0 && token.every((byte, index) => byte === bytes[at + index]);
      return isNext ? [id] : [];
    });
    const id = fitting[pick(fitting.length)] as number;
    ids.push(id);
    at += (TOKENS[id] as Uint8Array).length;
  }
  return ids;
}

export function textOf(ids: readonly number[]): string {
  const bytes = ids.flatMap((id) => (id === END ? [] : [...(TOKENS[id] as Uint8Array)]));
  return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
}
