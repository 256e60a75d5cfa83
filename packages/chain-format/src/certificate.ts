import type { Ballot } from './vote.ts';

/** Votes of more than two thirds of the weight for one ballot. */
export interface QuorumCertificate extends Ballot {
  /** Bit i (byte `i >> 3`, bit `i & 7`) is set when validator i signed; no bit beyond the set, no zero byte at the end. */
  readonly signers: Uint8Array;
  /** 64 bytes per signer, by index. */
  readonly signatures: Uint8Array;
}
