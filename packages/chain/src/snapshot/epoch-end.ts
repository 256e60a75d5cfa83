import {
  type BlockHeader,
  type CryptoSuite,
  decodeCertificate,
  decodeHeader,
  encodeCertificate,
  encodeHeader,
  headerHash,
  type QuorumCertificate,
  type ValidatorSet,
  validatorSetHash,
  verifyCertificate,
} from '@blyan/chain-format';
import { decodeCanonical, encodeCanonical } from '@blyan/codec';
import { errorCode, type Hash, type NetworkId } from '@blyan/interface';
import { decodeValidatorSet, encodeValidatorSet } from '../storage/stored-values.ts';
import { MAX_EPOCH_END_BYTES } from './ports.ts';
import { SnapshotError } from './snapshot-error.ts';

/** The last block of an epoch, with what is needed to check that of the next one. */
export interface EpochEndStep {
  readonly header: BlockHeader;
  readonly certificate: QuorumCertificate;
  /** The set of the next epoch, where it is another than this one's. */
  readonly nextValidators: ValidatorSet | null;
}

/** Canonical CBOR of `[header, certificate, next validators]`, each as bytes, the last perhaps null. */
export function encodeEpochEndStep({ header, certificate, nextValidators }: EpochEndStep): Uint8Array {
  const next = nextValidators && encodeValidatorSet(nextValidators);
  return encodeCanonical([encodeHeader(header), encodeCertificate(certificate), next]);
}

/** @throws ERR_SNAPSHOT_EPOCH */
export function decodeEpochEndStep(bytes: Uint8Array): EpochEndStep {
  try {
    const items = decodeCanonical(bytes, { maxBytes: MAX_EPOCH_END_BYTES });
    if (!Array.isArray(items) || items.length !== 3) throw new RangeError('not three parts');
    return {
      header: decodeHeader(items[0] as Uint8Array),
      certificate: decodeCertificate(items[1] as Uint8Array),
      nextValidators: items[2] === null ? null : decodeValidatorSet(items[2] as Uint8Array),
    };
  } catch (cause) {
    throw new SnapshotError('ERR_SNAPSHOT_EPOCH', 'These bytes are no end of an epoch.', { cause });
  }
}

export interface EpochChainOptions {
  readonly network: NetworkId;
  /** Of the first two epochs. */
  readonly genesisValidators: ValidatorSet;
  readonly epochBlocks: number;
}

/** The ends of epochs one after the other, each certified by the validators that the one before names. */
export class EpochChain {
  readonly #options: EpochChainOptions;
  readonly #suite: CryptoSuite;
  readonly #ends: EpochEndStep[] = [];
  readonly #hashes: Hash[] = [];
  /** By epoch; one more than there are ends. */
  readonly #validators: ValidatorSet[];

  constructor(options: EpochChainOptions, suite: CryptoSuite) {
    this.#options = options;
    this.#suite = suite;
    this.#validators = [options.genesisValidators];
  }

  /** Epochs whose end is known: the next one to add. */
  get length(): number {
    return this.#ends.length;
  }

  ends(): readonly EpochEndStep[] {
    return this.#ends;
  }

  /** Hash of the last block of an epoch. */
  hashOf(epoch: number): Hash | undefined {
    return this.#hashes[epoch];
  }

  /** Those who vote in an epoch; undefined while the end of the one before is not known. */
  validatorsOf(epoch: number): ValidatorSet | undefined {
    return this.#validators[epoch];
  }

  /** @throws ERR_SNAPSHOT_NETWORK, ERR_SNAPSHOT_EPOCH, ERR_SNAPSHOT_QUORUM */
  add(end: EpochEndStep): void {
    const { network, epochBlocks } = this.#options;
    const { header, certificate } = end;
    const epoch = this.#ends.length;
    const validators = this.#validators[epoch] as ValidatorSet;
    if (header.network !== network) throw otherNetwork(header.network, network);
    const hash = headerHash(header, this.#suite);
    const fits =
      header.epoch === epoch &&
      header.height === (epoch + 1) * epochBlocks &&
      header.validatorsHash === validatorSetHash(validators, this.#suite) &&
      certificate.kind === 'finalise' &&
      certificate.epoch === epoch &&
      certificate.block === hash;
    const next = end.nextValidators ?? validators;
    if (!fits || validatorSetHash(next, this.#suite) !== header.nextValidatorsHash) {
      throw new SnapshotError('ERR_SNAPSHOT_EPOCH', `This is not the end of epoch ${epoch}.`, { meta: { epoch } });
    }
    assertQuorum(certificate, validators, network, this.#suite);
    this.#ends.push(end);
    this.#hashes.push(hash);
    this.#validators.push(next);
  }
}

export function otherNetwork(actual: NetworkId, expected: NetworkId): SnapshotError {
  return new SnapshotError('ERR_SNAPSHOT_NETWORK', `The snapshot is of network ${actual}, not of ${expected}.`, {
    meta: { actual, expected },
  });
}

/** @throws ERR_SNAPSHOT_QUORUM, ERR_SNAPSHOT_EPOCH */
export function assertQuorum(
  certificate: QuorumCertificate,
  validators: ValidatorSet,
  network: NetworkId,
  suite: CryptoSuite,
): void {
  try {
    verifyCertificate(certificate, validators, network, suite);
  } catch (cause) {
    const { epoch } = certificate;
    if (errorCode(cause) !== 'ERR_CERTIFICATE_QUORUM') {
      throw new SnapshotError('ERR_SNAPSHOT_EPOCH', `The end of epoch ${epoch} is not signed by its validators.`, {
        meta: { epoch },
        cause,
      });
    }
    throw new SnapshotError('ERR_SNAPSHOT_QUORUM', `Too few validators signed the end of epoch ${epoch}.`, {
      meta: { epoch },
      cause,
    });
  }
}
