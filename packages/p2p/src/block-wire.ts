import { fromHex, HASH_BYTES, leafHash, TILE_LEAVES, verifyTileProof } from '@blyan/crypto';
import type { Root } from '@blyan/interface';
import { type BlockGeometry, FORMAT_VERSION, SUBTILE_BYTES, tileRange } from '@blyan/tensorblock';
import { P2pError } from './errors.ts';

/** `tile` request: root (32 bytes), tile index (u32 LE). */
export const TILE_REQUEST_BYTES = HASH_BYTES + 4;
/** A proof has at most seven siblings on each of the levels that 2^40 leaves can have above the tiles. */
const MAX_SIBLING_BYTES = 16 * 7 * HASH_BYTES;

/** A tile (up to 16 subtiles, 4 MiB), the leaf hashes the sender claims for it, and its proof. */
export interface TileMessage {
  readonly siblings: Uint8Array;
  /** 32 bytes per subtile: they let a receiver name the subtile that does not match. */
  readonly leaves: Uint8Array;
  readonly bytes: Uint8Array;
}

export function encodeTileRequest(root: Root, tile: number): Uint8Array {
  const request = new Uint8Array(TILE_REQUEST_BYTES);
  request.set(fromHex(root));
  new DataView(request.buffer).setUint32(HASH_BYTES, tile, true);
  return request;
}

/** @throws P2pError ERR_P2P_BAD_REQUEST */
export function decodeTileRequest(body: Uint8Array): { root: Root; tile: number } {
  if (body.byteLength !== TILE_REQUEST_BYTES) {
    throw new P2pError('ERR_P2P_BAD_REQUEST', 'A tile is asked for with 36 bytes.', { kind: 'peer' });
  }
  const root = Buffer.from(body.subarray(0, HASH_BYTES)).toString('hex');
  return { root, tile: new DataView(body.buffer, body.byteOffset).getUint32(HASH_BYTES, true) };
}

/** u16 LE bytes of siblings, u16 LE bytes of leaf hashes, siblings, leaf hashes, then the tile. */
export function encodeTile({ siblings, leaves, bytes }: TileMessage): Uint8Array[] {
  const head = new Uint8Array(4);
  const view = new DataView(head.buffer);
  view.setUint16(0, siblings.byteLength, true);
  view.setUint16(2, leaves.byteLength, true);
  return [head, siblings, leaves, bytes];
}

/** Splits an answer into views; what they hold is not verified. @throws P2pError ERR_P2P_BAD_RESPONSE */
export function decodeTile(body: Uint8Array, geometry: BlockGeometry, tile: number): TileMessage {
  const { length } = tileRange(geometry, tile);
  const leafBytes = Math.ceil(length / SUBTILE_BYTES) * HASH_BYTES;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const siblingBytes = body.byteLength < 4 ? 0 : view.getUint16(0, true);
  const start = 4 + siblingBytes;
  const fits =
    body.byteLength === start + leafBytes + length &&
    view.getUint16(2, true) === leafBytes &&
    siblingBytes % HASH_BYTES === 0 &&
    siblingBytes <= MAX_SIBLING_BYTES;
  if (!fits)
    throw new P2pError('ERR_P2P_BAD_RESPONSE', 'The peer sent something else than the tile asked for.', {
      kind: 'peer',
    });
  return {
    siblings: body.subarray(4, start),
    leaves: body.subarray(start, start + leafBytes),
    bytes: body.subarray(start + leafBytes),
  };
}

/** The subtile of a refused tile that is wrong; its first one when the peer's proof does not hold either. */
export function findWrongSubtile(root: Root, geometry: BlockGeometry, tile: number, message: TileMessage): number {
  const first = tile * TILE_LEAVES;
  const claimed: Uint8Array[] = [];
  for (let at = 0; at < message.leaves.byteLength; at += HASH_BYTES)
    claimed.push(message.leaves.subarray(at, at + HASH_BYTES));
  const binding = { version: FORMAT_VERSION, byteLength: geometry.byteLength, leafCount: geometry.leafCount };
  if (!verifyTileProof(fromHex(root), binding, tile, claimed, message.siblings)) return first;
  const wrong = claimed.findIndex((hash, i) => {
    const bytes = message.bytes.subarray(i * SUBTILE_BYTES, (i + 1) * SUBTILE_BYTES);
    return Buffer.compare(hash, leafHash(bytes)) !== 0;
  });
  return first + Math.max(0, wrong);
}
