import { FrameError } from './frame-errors.ts';

export const MAX_BODY_DEPTH = 16;

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
    if (marker <= 0x8f) return map(marker & 0x0f, depth);
    if (marker <= 0x9f) return array(marker & 0x0f, depth);
    if (marker <= 0xbf) return skip(marker & 0x1f);
    switch (marker) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4:
      case 0xd9:
        return skip(readLength(1));
      case 0xc5:
      case 0xda:
        return skip(readLength(2));
      case 0xc6:
      case 0xdb:
        return skip(readLength(4));
      case 0xcc:
      case 0xd0:
        return skip(1);
      case 0xcd:
      case 0xd1:
        return skip(2);
      case 0xca:
      case 0xce:
      case 0xd2:
        return skip(4);
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return skip(8);
      case 0xdc:
        return array(readLength(2), depth);
      case 0xdd:
        return array(readLength(4), depth);
      case 0xde:
        return map(readLength(2), depth);
      case 0xdf:
        return map(readLength(4), depth);
      default:
        throw malformed('holds a type that is never sent');
    }
  };

  value(0);
  if (at !== end) throw malformed('has trailing bytes');
}

function malformed(what: string): FrameError {
  return new FrameError('ERR_CODEC_BODY_MALFORMED', `A received message is not plain msgpack: ${what}.`, { kind: 'peer' });
}
