import {
  type BlockOutline,
  type CryptoSuite,
  type QuorumCertificate,
  type ValidatorSet,
  verifyCertificate,
} from '@blyan/chain-format';
import { errorCode, type Hash, type NetworkId } from '@blyan/interface';
import { decodeEpochEnd, type EpochEnd, LightClient } from '@blyan/light-client';
import { SnapshotError } from './snapshot-error.ts';

/** {@link decodeEpochEnd} of what a peer sent. @throws ERR_SNAPSHOT_EPOCH */
export function readEpochEnd(bytes: Uint8Array): EpochEnd {
  try {
    return decodeEpochEnd(bytes);
  } catch (cause) {
    throw new SnapshotError('ERR_SNAPSHOT_EPOCH', 'These bytes are no end of an epoch.', { cause });
  }
}

export interface EpochChainOptions {
  readonly network: NetworkId;
  /** The genesis block, and the validators of the first two epochs. */
  readonly genesis: { readonly block: BlockOutline; readonly validators: ValidatorSet };
  readonly epochBlocks: number;
}

/** The ends of epochs one after the other, as a light client follows them, all kept. */
export class EpochChain {
  readonly #network: NetworkId;
  readonly #client: LightClient;
  readonly #ends: EpochEnd[] = [];
  readonly #hashes: Hash[] = [];
  /** By epoch; one more than there are ends. */
  readonly #validators: ValidatorSet[];

  constructor({ network, genesis, epochBlocks }: EpochChainOptions, suite: CryptoSuite) {
    const { block, validators } = genesis;
    this.#network = network;
    this.#client = new LightClient({ network, epochBlocks, hash: block.hash }, block.header, validators, suite);
    this.#validators = [validators];
  }

  /** Epochs whose end is known: the next one to add. */
  get length(): number {
    return this.#ends.length;
  }

  ends(): readonly EpochEnd[] {
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
  add(end: EpochEnd): void {
    const epoch = this.#ends.length;
    try {
      this.#hashes.push(this.#client.advance(end).hash);
    } catch (cause) {
      const code = errorCode(cause);
      if (code === 'ERR_LIGHT_NETWORK') throw otherNetwork(end.header.network, this.#network);
      if (code.startsWith('ERR_CERTIFICATE_')) throw badSignatures(epoch, cause);
      throw new SnapshotError('ERR_SNAPSHOT_EPOCH', `This is not the end of epoch ${epoch}.`, {
        meta: { epoch },
        cause,
      });
    }
    this.#ends.push(end);
    this.#validators.push(this.#client.validators);
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
    throw badSignatures(certificate.epoch, cause);
  }
}

function badSignatures(epoch: number, cause: unknown): SnapshotError {
  if (errorCode(cause) === 'ERR_CERTIFICATE_QUORUM') {
    return new SnapshotError('ERR_SNAPSHOT_QUORUM', `Too few validators signed the end of epoch ${epoch}.`, {
      meta: { epoch },
      cause,
    });
  }
  return new SnapshotError('ERR_SNAPSHOT_EPOCH', `The end of epoch ${epoch} is not signed by its validators.`, {
    meta: { epoch },
    cause,
  });
}
