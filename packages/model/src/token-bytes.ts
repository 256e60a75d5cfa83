import { ModelError } from './errors.ts';
import type { JsonObject } from './hf-defaults.ts';

/** How a vocabulary spells bytes: GPT-2's printable alphabet, or SentencePiece pieces with `<0xNN>` for odd bytes. */
export interface TokenCodec {
  readonly kind: 'byte-level' | 'sentencepiece';
  /** The decoder drops one space at the start of the text (SentencePiece puts one there when it encodes). */
  readonly stripsLeadingSpace: boolean;
}

const encoder = new TextEncoder();

/** GPT-2's bytes_to_unicode, inverted: printable Latin-1 stands for itself, the other 68 bytes for U+0100 onwards. */
const BYTE_OF_CHAR: ReadonlyMap<string, number> = (() => {
  const map = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    map.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return map;
})();

function decoderSteps(decoder: unknown, depth = 0): JsonObject[] {
  if (typeof decoder !== 'object' || decoder === null || depth > 8) return [];
  const step = decoder as JsonObject;
  if (step.type !== 'Sequence') return [step];
  return Array.isArray(step.decoders) ? step.decoders.flatMap((inner) => decoderSteps(inner, depth + 1)) : [];
}

/**
 * Reads from tokenizer.json how tokens become bytes.
 * @throws ModelError ERR_MODEL_TOKENIZER for decoders other than ByteLevel and SentencePiece-style ones
 */
export function tokenCodecOf(tokenizerJson: JsonObject): TokenCodec {
  const steps = decoderSteps(tokenizerJson.decoder);
  const types = steps.map((step) => step.type);
  if (types.includes('ByteLevel')) return { kind: 'byte-level', stripsLeadingSpace: false };
  if (types.includes('ByteFallback') || types.includes('Metaspace')) {
    const strip = steps.some((step) => step.type === 'Strip' && step.content === ' ' && Number(step.start) > 0);
    const metaspace = steps.find((step) => step.type === 'Metaspace');
    const prepends =
      metaspace !== undefined && metaspace.prepend_scheme !== 'never' && metaspace.add_prefix_space !== false;
    return { kind: 'sentencepiece', stripsLeadingSpace: strip || prepends };
  }
  throw new ModelError(
    'ERR_MODEL_TOKENIZER',
    'tokenizer.json decodes neither byte-level nor SentencePiece tokens, so its text cannot be streamed.',
    { meta: { file: 'tokenizer.json' } },
  );
}

/** The bytes an ordinary (not added) token stands for. */
export function bytesOfToken(token: string, codec: TokenCodec): Uint8Array {
  if (codec.kind === 'sentencepiece') {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
    if (byte !== null) return Uint8Array.of(Number.parseInt(byte[1] as string, 16));
    return encoder.encode(token.replaceAll('\u2581', ' '));
  }
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTE_OF_CHAR.get(token[i] as string);
    // A character outside the alphabet: the decoder of the reference passes the whole token through.
    if (byte === undefined) return encoder.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}
