export { domainMessage } from './domain-message.ts';
export { type Ed25519KeyPair, generateKeyPair, publicKeyOf, signEd25519, verifyEd25519 } from './ed25519.ts';
export { verifyEd25519Noble } from './ed25519-noble.ts';
export { CryptoError, type CryptoErrorCode } from './errors.ts';
export { fromHex, toHex } from './hex.ts';
export { bindRoot, leafHash, nodeHash, type RootBinding } from './merkle-hash.ts';
export { proveLeaf, proveTile, tileHash, verifyLeafProof, verifyTileProof } from './merkle-proof.ts';
export {
  type ByteRange,
  HASH_BYTES,
  levelWidths,
  siblingRanges,
  TILE_LEAVES,
  TILE_LEVEL,
  treeByteLength,
} from './merkle-shape.ts';
export { buildTree, MerkleBuilder, merkleRoot } from './merkle-tree.ts';
export { nodeSuite } from './node-suite.ts';
export { sha256 } from './sha256.ts';
export { sha256Noble } from './sha256-noble.ts';
export { sign, verify } from './signature.ts';
