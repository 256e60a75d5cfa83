import { FrameError } from './frame-errors.ts';

/**
 * What a frame means to its call. `credit` returns the bytes of consumed chunks to the sender of a streamed response,
 * so that a slow reader bounds what is in flight without stopping the other calls on the stream.
 */
export const FRAME_KINDS = {
  request: 1,
  response: 2,
  chunk: 3,
  end: 4,
  error: 5,
  cancel: 6,
  notify: 7,
  credit: 8,
} as const;

export type FrameKind = keyof typeof FRAME_KINDS;

export interface Frame {
  readonly kind: FrameKind;
  /** Chosen by the opener of the stream, unique among its calls in flight; 0 for `notify`. 32 bits. */
  readonly callId: number;
  /** Empty but in `request` and `notify`. */
  readonly method: string;
  /** Starts at offset 0 of an ArrayBuffer of exactly its length: aligned for typed arrays and transferable. */
  readonly body: Uint8Array;
}

/** Bytes of the length field that every frame starts with; it counts what follows it. */
export const FRAME_LENGTH_BYTES = 4;
/** kind, call id, length of the method name. */
export const FRAME_FIXED_BYTES = 6;
export const MAX_METHOD_BYTES = 64;

const METHOD_PATTERN = /^[a-z0-9._/-]{1,64}$/;

/** Frames up to this size become one buffer: the copy costs less than a second write. */
const JOIN_UP_TO_BYTES = 64 * 1024;

/** Bytes before the body of a frame with this method name. */
export function frameHeaderBytes(method: string): number {
  return FRAME_LENGTH_BYTES + FRAME_FIXED_BYTES + method.length;
}

/** @throws FrameError ERR_CODEC_FRAME_MALFORMED unless the name has 1..64 of `a-z 0-9 . _ / -`. */
export function assertMethodName(method: string): void {
  if (!METHOD_PATTERN.test(method)) {
    throw new FrameError('ERR_CODEC_FRAME_MALFORMED', 'A method name has 1 to 64 of the characters a-z 0-9 . _ / -.', {
      kind: 'caller',
    });
  }
}

/** Writes length, kind, call id and method (ASCII) at the start of `target`, which the body follows. */
export function writeFrameHeader(
  target: Uint8Array,
  kind: FrameKind,
  callId: number,
  method: string,
  bodyBytes: number,
): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setUint32(0, FRAME_FIXED_BYTES + method.length + bodyBytes, true);
  target[4] = FRAME_KINDS[kind];
  view.setUint32(5, callId, true);
  target[9] = method.length;
  for (let i = 0; i < method.length; i++) target[10 + i] = method.charCodeAt(i);
}

/**
 * A frame as buffers to be written in order: a small one is joined into one buffer (one copy), the body parts of a
 * larger one are passed on as they are (no copy), so they must not be changed until they are written.
 */
export function encodeFrame(
  kind: FrameKind,
  callId: number,
  method: string,
  body: Uint8Array | readonly Uint8Array[],
): Uint8Array[] {
  const parts = body instanceof Uint8Array ? [body] : body;
  let bodyBytes = 0;
  for (const part of parts) bodyBytes += part.byteLength;
  const headerBytes = frameHeaderBytes(method);
  const joined = headerBytes + bodyBytes <= JOIN_UP_TO_BYTES;
  const head = Buffer.allocUnsafe(joined ? headerBytes + bodyBytes : headerBytes);
  writeFrameHeader(head, kind, callId, method, bodyBytes);
  if (!joined) return [head, ...parts];
  let offset = headerBytes;
  for (const part of parts) {
    head.set(part, offset);
    offset += part.byteLength;
  }
  return [head];
}
