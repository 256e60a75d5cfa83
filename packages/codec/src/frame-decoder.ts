import {
  FRAME_FIXED_BYTES,
  FRAME_KINDS,
  FRAME_LENGTH_BYTES,
  type Frame,
  type FrameKind,
  MAX_METHOD_BYTES,
} from './frame.ts';
import { FrameError } from './frame-errors.ts';

const KIND_NAMES = new Map<number, FrameKind>(
  Object.entries(FRAME_KINDS).map(([name, code]) => [code, name as FrameKind]),
);

/**
 * Cuts a byte stream into frames. It never holds more than the bytes it was given, of which at most one frame
 * (`maxFrameBytes` and the rest of a chunk) is incomplete: a claimed length alone allocates nothing.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  #chunks: Uint8Array[] = [];
  /** Read offset within the first chunk. */
  #offset = 0;
  #available = 0;

  /** @param options.maxFrameBytes bound of the length field, which counts kind, call id, method and body. */
  constructor(options: { readonly maxFrameBytes: number }) {
    this.#maxFrameBytes = options.maxFrameBytes;
  }

  /** Bytes given and not yet returned. */
  get bufferedBytes(): number {
    return this.#available;
  }

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#available += chunk.byteLength;
  }

  /**
   * The next complete frame, or null when more bytes are needed.
   *
   * @throws FrameError ERR_CODEC_FRAME_TOO_LARGE as soon as the length is known, ERR_CODEC_FRAME_MALFORMED; the
   * stream cannot be read further after either.
   */
  next(): Frame | null {
    if (this.#available < FRAME_LENGTH_BYTES + FRAME_FIXED_BYTES) {
      if (this.#available >= FRAME_LENGTH_BYTES) this.#length();
      return null;
    }
    const length = this.#length();
    if (this.#available < FRAME_LENGTH_BYTES + length) return null;
    const kind = KIND_NAMES.get(this.#byteAt(4));
    const methodBytes = this.#byteAt(9);
    if (kind === undefined) throw malformed('unknown frame kind');
    if (methodBytes > MAX_METHOD_BYTES || FRAME_FIXED_BYTES + methodBytes > length)
      throw malformed('method name too long');
    if (methodBytes === 0 ? kind === 'request' || kind === 'notify' : kind !== 'request' && kind !== 'notify') {
      throw malformed('method name missing or unexpected');
    }
    const callId = this.#uint32At(5);
    let method = '';
    for (let i = 0; i < methodBytes; i++) {
      const code = this.#byteAt(10 + i);
      if (code < 0x21 || code > 0x7e) throw malformed('method name is not printable ASCII');
      method += String.fromCharCode(code);
    }
    this.#skip(FRAME_LENGTH_BYTES + FRAME_FIXED_BYTES + methodBytes);
    return { kind, callId, method, body: this.#take(length - FRAME_FIXED_BYTES - methodBytes) };
  }

  #length(): number {
    const length = this.#uint32At(0);
    if (length > this.#maxFrameBytes) {
      throw new FrameError(
        'ERR_CODEC_FRAME_TOO_LARGE',
        `A frame of ${length} bytes exceeds the limit of this protocol.`,
        {
          kind: 'peer',
          meta: { frameBytes: length, maxFrameBytes: this.#maxFrameBytes },
        },
      );
    }
    if (length < FRAME_FIXED_BYTES) throw malformed('frame shorter than its header');
    return length;
  }

  #byteAt(index: number): number {
    let at = this.#offset + index;
    for (const chunk of this.#chunks) {
      if (at < chunk.byteLength) return chunk[at] as number;
      at -= chunk.byteLength;
    }
    return 0;
  }

  #uint32At(index: number): number {
    return (
      this.#byteAt(index) +
      this.#byteAt(index + 1) * 0x100 +
      this.#byteAt(index + 2) * 0x1_0000 +
      this.#byteAt(index + 3) * 0x100_0000
    );
  }

  #skip(bytes: number): void {
    this.#available -= bytes;
    let at = this.#offset + bytes;
    let used = 0;
    for (const chunk of this.#chunks) {
      if (at < chunk.byteLength) break;
      at -= chunk.byteLength;
      used++;
    }
    if (used > 0) this.#chunks.splice(0, used);
    this.#offset = at;
  }

  /** Copies out of the received chunks, so that a small body does not keep a large one alive. */
  #take(bytes: number): Uint8Array {
    const target = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
    let written = 0;
    let from = this.#offset;
    for (const chunk of this.#chunks) {
      if (written === bytes) break;
      const part = chunk.subarray(from, Math.min(chunk.byteLength, from + bytes - written));
      target.set(part, written);
      written += part.byteLength;
      from = 0;
    }
    this.#skip(bytes);
    return target;
  }
}

function malformed(what: string): FrameError {
  return new FrameError('ERR_CODEC_FRAME_MALFORMED', `A received frame does not follow the wire format: ${what}.`, {
    kind: 'peer',
  });
}
