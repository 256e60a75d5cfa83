import { encodeCanonical } from '@blyan/codec/canonical';
import { fromHex } from '@blyan/crypto/noble';
import type { NetworkId } from '@blyan/interface';
import { MAX_VALIDATORS } from '@blyan/params';
import type { CryptoSuite } from './crypto-suite.ts';
import { ChainFormatError } from './errors.ts';
import { decoding, ENVELOPE_BYTES, HASH_BYTES, readArray, readBytes, SIGNATURE_BYTES } from './read.ts';
import { quorumWeight, type Validator, type ValidatorSet } from './validator-set.ts';
import { type Ballot, ballotFields, ballotMessage, readBallot, type Vote } from './vote.ts';

const MAX_BITMAP_BYTES = MAX_VALIDATORS / 8;
export const MAX_CERTIFICATE_BYTES = ENVELOPE_BYTES + HASH_BYTES + MAX_BITMAP_BYTES + MAX_VALIDATORS * SIGNATURE_BYTES;

/** Votes of more than two thirds of the weight for one ballot. */
export interface QuorumCertificate extends Ballot {
  /** Bit i (byte `i >> 3`, bit `i & 7`) is set when validator i signed; no bit beyond the set, no zero byte at the end. */
  readonly signers: Uint8Array;
  /** 64 bytes per signer, by index. */
  readonly signatures: Uint8Array;
}

/**
 * Joins votes for one ballot. Votes for another ballot, and all but the first of a validator, are left out; weights are
 * for the caller to count.
 */
export function assembleCertificate(ballot: Ballot, votes: Iterable<Vote>): QuorumCertificate {
  const { kind, epoch, view, block } = ballot;
  const byIndex = new Map<number, Vote>();
  for (const vote of votes) {
    const same = vote.kind === kind && vote.epoch === epoch && vote.view === view && vote.block === block;
    if (same && !byIndex.has(vote.validator)) byIndex.set(vote.validator, vote);
  }
  const indices = [...byIndex.keys()].sort((a, b) => a - b);
  const signers = new Uint8Array(((indices.at(-1) ?? -8) >> 3) + 1);
  const signatures = new Uint8Array(indices.length * SIGNATURE_BYTES);
  for (const [nth, index] of indices.entries()) {
    signers[index >> 3] = (signers[index >> 3] as number) | (1 << (index & 7));
    signatures.set((byIndex.get(index) as Vote).signature, nth * SIGNATURE_BYTES);
  }
  return { kind, epoch, view, block, signers, signatures };
}

/** Indices of those who signed, ascending. */
export function certificateSigners({ signers }: QuorumCertificate): number[] {
  const indices: number[] = [];
  for (let i = 0; i < signers.length * 8; i++) if (((signers[i >> 3] as number) >> (i & 7)) & 1) indices.push(i);
  return indices;
}

/** The votes it was made of, by index. */
export function certificateVotes(certificate: QuorumCertificate): Vote[] {
  const { kind, epoch, view, block, signatures } = certificate;
  return certificateSigners(certificate).map((validator, nth) => {
    const signature = signatures.subarray(nth * SIGNATURE_BYTES, (nth + 1) * SIGNATURE_BYTES);
    return { kind, epoch, view, block, validator, signature };
  });
}

/** Canonical CBOR of `[kind, epoch, view, block, signers, signatures]`. */
export function encodeCertificate(certificate: QuorumCertificate): Uint8Array {
  return encodeCanonical([...ballotFields(certificate), certificate.signers, certificate.signatures]);
}

/** @throws ERR_CERTIFICATE_BYTES */
export function decodeCertificate(bytes: Uint8Array): QuorumCertificate {
  return decoding('ERR_CERTIFICATE_BYTES', 'certificate', () => {
    const items = readArray(bytes, 6, MAX_CERTIFICATE_BYTES);
    const certificate: QuorumCertificate = {
      ...readBallot(items),
      signers: readBytes(items[4], 'signers'),
      signatures: readBytes(items[5], 'signatures'),
    };
    assertShape(certificate, MAX_VALIDATORS);
    return certificate;
  });
}

function assertShape(certificate: QuorumCertificate, setSize: number): void {
  const { signers, signatures } = certificate;
  if (signers.length > MAX_BITMAP_BYTES || signers.at(-1) === 0) throw new RangeError('signers is no bitmap');
  const indices = certificateSigners(certificate);
  if ((indices.at(-1) ?? 0) >= setSize) throw new RangeError('a signer is beyond the validator set');
  if (signatures.length !== indices.length * SIGNATURE_BYTES)
    throw new RangeError('one signature per signer is wanted');
}

/**
 * That more than two thirds of the set's weight signed the ballot for this network. Which ballot is wanted is for the
 * caller to compare.
 *
 * @param set - of the certificate's epoch
 * @throws ERR_CERTIFICATE_BYTES for signers that are not in the set, ERR_CERTIFICATE_QUORUM for too few of them,
 *   ERR_CERTIFICATE_SIGNATURE for a signature that is none
 */
export function verifyCertificate(
  certificate: QuorumCertificate,
  set: ValidatorSet,
  network: NetworkId,
  suite: CryptoSuite,
): void {
  decoding('ERR_CERTIFICATE_BYTES', 'certificate', () => assertShape(certificate, set.length));
  const signers = certificateSigners(certificate);
  const weight = signers.reduce((sum, index) => sum + (set[index] as Validator).weight, 0);
  const wanted = quorumWeight(set);
  if (weight < wanted) {
    throw new ChainFormatError('ERR_CERTIFICATE_QUORUM', `The signers weigh ${weight}, and ${wanted} is a quorum.`, {
      meta: { weight, wanted },
    });
  }
  const message = ballotMessage(network, certificate);
  for (const [nth, index] of signers.entries()) {
    const signature = certificate.signatures.subarray(nth * SIGNATURE_BYTES, (nth + 1) * SIGNATURE_BYTES);
    if (suite.verify(message, signature, fromHex((set[index] as Validator).publicKey, HASH_BYTES))) continue;
    throw new ChainFormatError('ERR_CERTIFICATE_SIGNATURE', `Validator ${index} did not sign this certificate.`, {
      meta: { validator: index },
    });
  }
}
