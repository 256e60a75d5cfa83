import type { AnnouncedBlock } from '@blyan/chain';
import {
  type BlockOutline,
  type CryptoSuite,
  decodeCertificate,
  decodeHeader,
  decodeOutline,
  encodeCertificate,
  encodeHeader,
  encodeOutline,
  type QuorumCertificate,
  readArray,
  readBytes,
} from '@blyan/chain-format';
import { encodeCanonical } from '@blyan/codec';
import { P2pError } from '../errors.ts';
import { MAX_BATCH_BYTES } from './record-batch.ts';

const OUTLINE = 1;
const HEADER = 2;
const ENVELOPE_BYTES = 16;

/** Canonical CBOR of `[1, outline, certificate]`, or of `[2, header, certificate]` where the outline does not fit. */
export function encodeBlockMessage(block: BlockOutline, certificate: QuorumCertificate): Uint8Array {
  const outline = encodeOutline(block);
  const proof = encodeCertificate(certificate);
  const fits = ENVELOPE_BYTES + outline.byteLength + proof.byteLength <= MAX_BATCH_BYTES;
  return encodeCanonical(fits ? [OUTLINE, outline, proof] : [HEADER, encodeHeader(block.header), proof]);
}

/** Well-formed; the certificate's signatures are not looked at. @throws P2pError ERR_P2P_CHAIN_MESSAGE */
export function decodeBlockMessage(bytes: Uint8Array, suite: CryptoSuite): AnnouncedBlock {
  try {
    const [kind, body, proof] = readArray(bytes, 3, MAX_BATCH_BYTES);
    const block = readBytes(body, 'block');
    const certificate = decodeCertificate(readBytes(proof, 'certificate'));
    if (kind === HEADER) return { header: decodeHeader(block), outline: null, certificate };
    if (kind !== OUTLINE) throw new RangeError('neither outline nor header');
    const outline = decodeOutline(block, suite);
    return { header: outline.header, outline, certificate };
  } catch (cause) {
    const message = 'A message about a final block cannot be read.';
    throw new P2pError('ERR_P2P_CHAIN_MESSAGE', message, { kind: 'peer', cause });
  }
}
