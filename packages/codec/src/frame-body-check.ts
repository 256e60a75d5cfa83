import { FrameError } from './frame-errors.ts';

export const MAX_BODY_DEPTH = 16;

/** Bytes after the marker of nil, booleans, floats and integers. */
const FIXED_BYTES: { readonly [marker: number]: number } = {
  192: 0,
  194: 0,
  195: 0,
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
};

/** Bytes of the length that byte strings (0xc4 to 0xc6) and texts (0xd9 to 0xdb) start with. */
const SIZED_BYTES: { readonly [marker: number]: 1 | 2 | 4 } = { 196: 1, 197: 2, 198: 4, 217: 1, 218: 2, 219: 4 };

/**
 * Walks the structure of a msgpack value without building it, in time linear in its markers. The decoder proper trusts
 * claimed lengths (an array of 2^28 entries is allocated before the first is read) and knows extension types that
 * we never send; after this check neither can be reached.
 *
 * @throws FrameError ERR_CODEC_BODY_MALFORMED
 */
export function assertPlainMsgpack(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.byteLength;
  let at = 0;

  const skip = (count: number): void => {
    if (count > end - at) throw malformed('cut short');
    at += count;
  };
  const readLength = (size: 1 | 2 | 4): number => {
    if (size > end - at) throw malformed('cut short');
    const length = size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at) : view.getUint32(at);
    at += size;
    return length;
  };
  const array = (count: number, depth: number): void => {
    if (count > end - at) throw malformed('claims more entries than it has bytes');
    for (let i = 0; i < count; i++) value(depth + 1);
  };
  const map = (count: number, depth: number): void => {
    if (count * 2 > end - at) throw malformed('claims more entries than it has bytes');
    for (let i = 0; i < count; i++) {
      key();
      value(depth + 1);
    }
  };
  const key = (): void => {
    const marker = readLength(1);
    if (marker >= 0xa0 && marker <= 0xbf) skip(marker & 0x1f);
    else if (marker === 0xd9) skip(readLength(1));
    else throw malformed('a map key is not a short string');
  };
  const value = (depth: number): void => {
    if (depth > MAX_BODY_DEPTH) throw malformed('nested too deeply');
    const marker = readLength(1);
    if (marker <= 0x7f || marker >= 0xe0) return;
    const fixed = FIXED_BYTES[marker];
    const sized = SIZED_BYTES[marker];
    if (marker <= 0x8f) map(marker & 0x0f, depth);
    else if (marker <= 0x9f) array(marker & 0x0f, depth);
    else if (marker <= 0xbf) skip(marker & 0x1f);
    else if (fixed !== undefined) skip(fixed);
    else if (sized !== undefined) skip(readLength(sized));
    else if (marker === 0xdc || marker === 0xdd) array(readLength(marker === 0xdc ? 2 : 4), depth);
    else if (marker === 0xde || marker === 0xdf) map(readLength(marker === 0xde ? 2 : 4), depth);
    else throw malformed('holds a type that is never sent');
  };

  value(0);
  if (at !== end) throw malformed('has trailing bytes');
}

function malformed(what: string): FrameError {
  return new FrameError('ERR_CODEC_BODY_MALFORMED', `A received message is not plain msgpack: ${what}.`, {
    kind: 'peer',
  });
}
