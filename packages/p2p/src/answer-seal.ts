import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { AnswerClaim, KeptAnswer } from '@blyan/interface';
import { MAX_SEQUENCE_TOKENS } from '@blyan/params';

export const LOCATOR_BYTES = 32;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What sealing adds to a part. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES;
const CIPHER = 'aes-256-gcm';
const DOMAIN = 'blyan/answer/1';

/** One piece of an answer; `from` is the index of the first of `tokens`. */
export type AnswerPart =
  | { readonly type: 'description'; readonly text: string }
  | { readonly type: 'tokens'; readonly from: number; readonly tokens: readonly number[] }
  | { readonly type: 'end'; readonly text: string };

const KINDS = ['description', 'tokens', 'end'] as const;

/**
 * Where an answer is kept, and the key its parts are sealed with. Both follow from the claim alone, so that a node that
 * keeps an answer can neither read nor change it, and no claim but the right one finds it. HKDF-SHA256 (RFC 5869).
 */
export class AnswerSeal {
  /** 64 hexadecimal digits. */
  readonly locator: string;
  readonly #key: Uint8Array;

  constructor({ id, bearer }: AnswerClaim) {
    const secret = Buffer.concat([Buffer.from(id, 'hex'), createHash('sha256').update(bearer).digest()]);
    const derived = new Uint8Array(hkdfSync('sha256', secret, '', DOMAIN, LOCATOR_BYTES + KEY_BYTES));
    this.locator = Buffer.from(derived.subarray(0, LOCATOR_BYTES)).toString('hex');
    this.#key = derived.subarray(LOCATOR_BYTES);
  }

  /** Nonce, AES-256-GCM ciphertext, tag. */
  seal(part: AnswerPart): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    return new Uint8Array(Buffer.concat([nonce, cipher.update(encodePart(part)), cipher.final(), cipher.getAuthTag()]));
  }

  /** Null for what was not sealed under this claim. */
  open(sealed: Uint8Array): AnswerPart | null {
    if (sealed.byteLength <= SEAL_BYTES) return null;
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(sealed.subarray(sealed.byteLength - TAG_BYTES));
    try {
      const text = decipher.update(sealed.subarray(NONCE_BYTES, sealed.byteLength - TAG_BYTES));
      return decodePart(Buffer.concat([text, decipher.final()]));
    } catch {
      return null;
    }
  }

  /** The answer that a list of parts holds: what does not belong to it is passed over, tokens behind a gap are left out. */
  assemble(parts: readonly Uint8Array[]): KeptAnswer | null {
    let description: string | null = null;
    let end: string | null = null;
    const tokens: number[] = [];
    for (const sealed of parts) {
      const part = this.open(sealed);
      if (part?.type === 'description') description = part.text;
      else if (part?.type === 'end') end = part.text;
      else if (part !== null && part.from <= tokens.length) {
        const fresh = part.tokens.slice(tokens.length - part.from, MAX_SEQUENCE_TOKENS - part.from);
        for (const token of fresh) tokens.push(token);
      }
    }
    return description === null ? null : { description, tokens, end };
  }
}

function encodePart(part: AnswerPart): Buffer {
  const kind = Buffer.of(KINDS.indexOf(part.type));
  if (part.type !== 'tokens') return Buffer.concat([kind, Buffer.from(part.text, 'utf8')]);
  const bytes = Buffer.alloc(5 + 4 * part.tokens.length);
  bytes[0] = kind[0] as number;
  bytes.writeUInt32LE(part.from, 1);
  part.tokens.forEach((token, at) => void bytes.writeUInt32LE(token, 5 + 4 * at));
  return bytes;
}

function decodePart(bytes: Buffer): AnswerPart | null {
  const type = KINDS[bytes[0] as number];
  if (type === undefined) return null;
  if (type !== 'tokens') return { type, text: bytes.toString('utf8', 1) };
  if (bytes.length < 5 || bytes.length % 4 !== 1) return null;
  const tokens = Array.from({ length: (bytes.length - 5) / 4 }, (_, at) => bytes.readUInt32LE(5 + 4 * at));
  return { type, from: bytes.readUInt32LE(1), tokens };
}
