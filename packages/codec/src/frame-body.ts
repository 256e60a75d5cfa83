import { type Options, Packr } from 'msgpackr';
import { type FrameKind, frameHeaderBytes, writeFrameHeader } from './frame.ts';
import { assertPlainMsgpack } from './frame-body-check.ts';
import { FrameError } from './frame-errors.ts';

// `skipValues` is missing from the published types.
const OPTIONS: Options & { readonly skipValues: readonly unknown[] } = {
  useRecords: false,
  variableMapSize: true,
  skipValues: [undefined],
};
const packr = new Packr(OPTIONS);

/** `RESERVE_START_SPACE` of msgpackr, which takes the number of bytes in its low eight bits. */
const RESERVE_START_SPACE = 2048;
/** A larger encoding would stay msgpackr's scratch buffer for good. */
const KEEP_SCRATCH_BELOW_BYTES = 64 * 1024;
const SCRATCH_BYTES = 8192;

/**
 * One frame with a msgpack body, encoded straight behind its header (one copy of the values).
 *
 * @param value plain data: null, booleans, numbers, bigints of 64 bits, strings, Uint8Arrays, arrays and objects
 * with string keys; properties that are undefined are left out.
 * @throws FrameError ERR_CODEC_BODY_UNENCODABLE for what msgpack has no form for.
 */
export function encodeMessageFrame(kind: FrameKind, callId: number, method: string, value: unknown): Uint8Array {
  const headerBytes = frameHeaderBytes(method);
  const bytes = pack(value, RESERVE_START_SPACE | headerBytes);
  writeFrameHeader(bytes, kind, callId, method, bytes.byteLength - headerBytes);
  return bytes;
}

/** The msgpack body alone; same rules as {@link encodeMessageFrame}. */
export function encodeBody(value: unknown): Uint8Array {
  return pack(value, 0);
}

function pack(value: unknown, options: number): Buffer {
  let bytes: Buffer;
  try {
    bytes = packr.pack(value, options);
  } catch (cause) {
    throw new FrameError('ERR_CODEC_BODY_UNENCODABLE', 'This value cannot be sent: only plain data can.', { cause });
  }
  if (bytes.byteLength > KEEP_SCRATCH_BELOW_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(SCRATCH_BYTES));
  return bytes;
}

/**
 * Decodes a msgpack body of plain data. Byte strings are views into `bytes`, not copies. The structure is checked before anything is
 * built: nesting up to 16, no claimed length beyond the input, no extension types, map keys are strings.
 *
 * @throws FrameError ERR_CODEC_BODY_MALFORMED
 */
export function decodeBody(bytes: Uint8Array): unknown {
  assertPlainMsgpack(bytes);
  try {
    return packr.unpack(bytes);
  } catch (cause) {
    throw new FrameError('ERR_CODEC_BODY_MALFORMED', 'A received message is not valid msgpack.', {
      kind: 'peer',
      cause,
    });
  }
}
