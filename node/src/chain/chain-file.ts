import { open } from 'node:fs/promises';
import {
  type BlockOutline,
  decodeCertificate,
  decodeOutline,
  MAX_CERTIFICATE_BYTES,
  MAX_OUTLINE_BYTES,
  type QuorumCertificate,
} from '@blyan/chain-format';
import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec/canonical';
import { nodeSuite } from '@blyan/crypto';
import { isRoot, type NetworkId } from '@blyan/interface';
import { MAX_BLOCK_BYTES } from '@blyan/params';
import { z } from 'zod';
import { NodeError } from '../errors.ts';

const TYPE = 'blyan/chain';
const HEAD_BYTES = 4;
const MAX_FRAME_BYTES = MAX_BLOCK_BYTES * 2 + MAX_OUTLINE_BYTES + MAX_CERTIFICATE_BYTES;

/** A final block as a file of a chain holds it. */
export interface FiledBlock {
  readonly block: BlockOutline;
  /** Of this block; null where a later one made it final. */
  readonly certificate: QuorumCertificate | null;
  /** In the block's order. */
  readonly records: readonly Uint8Array[];
}

const bytes = z.instanceof(Uint8Array);
const head = z.object({ type: z.literal(TYPE), v: z.literal(1), network: z.string().refine(isRoot) });
const frame = z.object({ outline: bytes, certificate: bytes.nullable(), records: z.array(bytes).max(2 ** 16) });

/** One frame: its length as four little-endian bytes, then canonical CBOR. */
export function chainFrame(value: CanonicalValue): Uint8Array {
  const body = encodeCanonical(value);
  const length = Buffer.alloc(HEAD_BYTES);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

/** The first frame of a file. */
export function chainFileHead(network: NetworkId): Uint8Array {
  return chainFrame({ type: TYPE, v: 1, network });
}

export interface ChainFile extends AsyncDisposable {
  readonly network: NetworkId;
  /** In the order of their heights. @throws ERR_NODE_CHAIN_FILE */
  blocks(): AsyncGenerator<FiledBlock>;
}

/**
 * Opens what `chain export` wrote. Every length is bounded before anything is read for it.
 * @throws ERR_NODE_CHAIN_FILE when it is none; ENOENT as a NodeError
 */
export async function openChainFile(path: string): Promise<ChainFile> {
  const file = await open(path, 'r').catch((cause) => {
    throw new NodeError('ERR_NODE_MISSING_FILE', `${path} cannot be read.`, { kind: 'caller', cause });
  });
  let position = 0;
  const next = async (): Promise<CanonicalValue | null> => {
    const length = await read(HEAD_BYTES);
    if (length.length === 0) return null;
    const size = length.length === HEAD_BYTES ? length.readUInt32LE() : 0;
    if (size === 0 || size > MAX_FRAME_BYTES) throw new RangeError(`no frame at byte ${position - length.length}`);
    const body = await read(size);
    if (body.length < size) throw new RangeError('the file is cut short');
    return decodeCanonical(new Uint8Array(body), { maxBytes: MAX_FRAME_BYTES });
  };
  const read = async (size: number): Promise<Buffer> => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(size), 0, size, position);
    position += bytesRead;
    return buffer.subarray(0, bytesRead);
  };
  try {
    const { network } = head.parse(await next());
    return {
      network,
      async *blocks() {
        try {
          for (let value = await next(); value !== null; value = await next()) yield decodeBlock(value);
        } catch (cause) {
          throw unfit(path, cause);
        }
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (cause) {
    await file.close();
    throw unfit(path, cause);
  }
}

function decodeBlock(value: CanonicalValue): FiledBlock {
  const { outline, certificate, records } = frame.parse(value);
  return {
    block: decodeOutline(outline, nodeSuite),
    certificate: certificate && decodeCertificate(certificate),
    records,
  };
}

function unfit(path: string, cause: unknown): NodeError {
  const message = `${path} is no file of a chain, or is damaged: ${(cause as Error).message}.`;
  return new NodeError('ERR_NODE_CHAIN_FILE', message, { kind: 'caller', cause });
}
