import {
  assertValidatorSet,
  type BlockHeader,
  type CryptoSuite,
  headerHash,
  nobleSuite,
  type QuorumCertificate,
  type RecordProof,
  type StateProof,
  type ValidatorSet,
  validatorSetHash,
  verifyCertificate,
  verifyRecordProof,
  verifyStateProof,
} from '@blyan/chain-format';
import type { Hash, NetworkId } from '@blyan/interface';
import { LightClientError } from './errors.ts';
import { type EpochEnd, type FinalityProof, linkedHashes } from './finality.ts';

/** What a light client is told by somebody it trusts; everything else follows from it. */
export interface Checkpoint {
  readonly network: NetworkId;
  /** `params.chain.epochBlocks` of the network. */
  readonly epochBlocks: number;
  /** Hash of the genesis block or of the last block of an epoch. */
  readonly hash: Hash;
}

/** A block that is known to be final, by its header. */
export interface FinalHeader {
  readonly hash: Hash;
  readonly header: BlockHeader;
}

/**
 * Follows a chain by the last block of each epoch and checks what it is told of blocks of the epoch it has come to:
 * headers, records, values of the state. Whoever knows a checkpoint needs to trust nobody else, as long as less than a third of
 * the weight of each epoch's validators lies; with a checkpoint older than validators guard their keys, those who once
 * were validators could sign another history. Does no I/O and keeps one epoch in memory. Blocks of earlier epochs are
 * verified by a client that is not yet past them.
 */
export class LightClient {
  readonly #network: NetworkId;
  readonly #epochBlocks: number;
  readonly #suite: CryptoSuite;
  #start: FinalHeader;
  #epoch: number;
  #validators: ValidatorSet;
  #validatorsHash: Hash;

  /**
   * Header and validators may come from anybody: they are compared with the checkpoint.
   *
   * @param header - of the checkpoint's block
   * @param validators - of the epoch that begins with it
   * @throws ERR_LIGHT_NETWORK, ERR_LIGHT_CHECKPOINT, ERR_LIGHT_VALIDATORS, ERR_VALIDATOR_SET
   */
  constructor(checkpoint: Checkpoint, header: BlockHeader, validators: ValidatorSet, suite: CryptoSuite = nobleSuite) {
    const { network, epochBlocks, hash } = checkpoint;
    this.#network = network;
    this.#epochBlocks = epochBlocks;
    this.#suite = suite;
    this.#assertNetwork(header);
    if (headerHash(header, suite) !== hash || header.height !== startHeight(header, epochBlocks)) {
      throw new LightClientError('ERR_LIGHT_CHECKPOINT', `This is not the block that checkpoint ${hash} names.`, {
        meta: { hash },
      });
    }
    this.#start = { hash, header };
    this.#epoch = header.height / epochBlocks;
    this.#validatorsHash = header.height === 0 ? header.validatorsHash : header.nextValidatorsHash;
    this.#validators = validators;
    this.#assertValidators(validators, this.#validatorsHash);
  }

  /** Whose blocks can be verified, and whose end comes next. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The block that the epoch begins from: the last one of the epoch before. */
  get start(): FinalHeader {
    return this.#start;
  }

  /** Of the epoch. */
  get validators(): ValidatorSet {
    return this.#validators;
  }

  /**
   * Goes on to the next epoch; nothing has changed when it throws.
   *
   * @throws ERR_LIGHT_NETWORK, ERR_LIGHT_STALE, ERR_LIGHT_EPOCH (one was left out, or it is not the epoch's last block),
   *   ERR_LIGHT_VALIDATORS, ERR_LIGHT_CERTIFICATE, ERR_CERTIFICATE_BYTES, ERR_CERTIFICATE_QUORUM, ERR_CERTIFICATE_SIGNATURE
   */
  advance({ header, certificate, nextValidators }: EpochEnd): FinalHeader {
    this.#assertInEpoch(header);
    const lastHeight = (this.#epoch + 1) * this.#epochBlocks;
    if (header.height !== lastHeight) throw this.#outOfEpoch(header, `its last block has height ${lastHeight}`);
    const next = nextValidators ?? this.#validators;
    if (nextValidators !== null || header.nextValidatorsHash !== this.#validatorsHash) {
      this.#assertValidators(next, header.nextValidatorsHash);
    }
    const hash = headerHash(header, this.#suite);
    this.#assertCertified(hash, certificate);
    this.#start = { hash, header };
    this.#epoch++;
    this.#validators = next;
    this.#validatorsHash = header.nextValidatorsHash;
    return this.#start;
  }

  /**
   * That a block of this epoch is final.
   *
   * @throws as {@link advance}, and ERR_LIGHT_CHAIN
   */
  verifyBlock({ headers, certificate }: FinalityProof): FinalHeader {
    for (const header of headers) this.#assertInEpoch(header);
    const hashes = linkedHashes(headers, this.#suite);
    this.#assertCertified(hashes.at(-1) as Hash, certificate);
    return { hash: hashes[0] as Hash, header: headers[0] as BlockHeader };
  }

  /** That a final block has this record at this place. @throws ERR_RECORD_PROOF */
  verifyRecord({ header }: FinalHeader, record: Hash, proof: RecordProof): void {
    verifyRecordProof(header, record, proof, this.#suite);
  }

  /** That a key has this value in the state after a final block, or none. @throws ERR_STATE_PROOF */
  verifyState({ header }: FinalHeader, proof: StateProof): void {
    verifyStateProof(header.stateRoot, proof, this.#suite);
  }

  #assertNetwork({ network }: BlockHeader): void {
    if (network === this.#network) return;
    throw new LightClientError('ERR_LIGHT_NETWORK', `The header is of network ${network}, not of ${this.#network}.`, {
      meta: { actual: network, expected: this.#network },
    });
  }

  #assertInEpoch(header: BlockHeader): void {
    this.#assertNetwork(header);
    if (header.epoch < this.#epoch) {
      throw new LightClientError('ERR_LIGHT_STALE', `The header is of epoch ${header.epoch}, now is ${this.#epoch}.`, {
        meta: { epoch: header.epoch, expected: this.#epoch },
      });
    }
    const first = this.#epoch * this.#epochBlocks + 1;
    if (header.epoch !== this.#epoch || header.height < first || header.height >= first + this.#epochBlocks) {
      throw this.#outOfEpoch(header, `it begins at height ${first}`);
    }
    if (header.validatorsHash !== this.#validatorsHash) throw otherValidators(this.#validatorsHash);
  }

  #outOfEpoch({ epoch, height }: BlockHeader, why: string): LightClientError {
    const sentence = `A header of epoch ${epoch} and height ${height} is not the one of epoch ${this.#epoch}: ${why}.`;
    return new LightClientError('ERR_LIGHT_EPOCH', sentence, { meta: { epoch, height, expected: this.#epoch } });
  }

  #assertValidators(set: ValidatorSet, hash: Hash): void {
    assertValidatorSet(set);
    if (validatorSetHash(set, this.#suite) !== hash) throw otherValidators(hash);
  }

  #assertCertified(block: Hash, certificate: QuorumCertificate): void {
    const { kind, epoch } = certificate;
    if (kind !== 'finalise' || epoch !== this.#epoch || certificate.block !== block) {
      throw new LightClientError('ERR_LIGHT_CERTIFICATE', `The certificate does not make block ${block} final.`, {
        meta: { block, kind, epoch },
      });
    }
    verifyCertificate(certificate, this.#validators, this.#network, this.#suite);
  }
}

/** The height of a header if an epoch begins from it. */
function startHeight({ epoch, height }: BlockHeader, epochBlocks: number): number {
  return height === 0 ? 0 : (epoch + 1) * epochBlocks;
}

function otherValidators(hash: Hash): LightClientError {
  return new LightClientError('ERR_LIGHT_VALIDATORS', `These are not the validators ${hash}.`, { meta: { hash } });
}
