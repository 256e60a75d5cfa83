/** Content id of a TensorBlock: its Merkle root, 64 lower-case hexadecimal digits. */
export type Root = string;
/** libp2p peer id in its usual base58 text form. */
export type PeerId = string;
/** SHA-256 of something on the chain, 64 lower-case hexadecimal digits. */
export type Hash = string;
/** Hash of the genesis bytes, 64 lower-case hexadecimal digits. */
export type NetworkId = string;

export function isRoot(value: unknown): value is Root {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
