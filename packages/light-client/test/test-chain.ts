import {
  assembleCertificate,
  type Ballot,
  type BlockHeader,
  ballotMessage,
  headerHash,
  nobleSuite,
  type QuorumCertificate,
  recordsRoot,
  type ValidatorSet,
  validatorSetHash,
  ZERO_HASH,
} from '@blyan/chain-format';
import { publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import type { Checkpoint, EpochEnd } from '../src/index.ts';

export const NETWORK = '0123456789abcdef'.repeat(4);
export const EPOCH_BLOCKS = 4;
export const hashOf = (byte: number) => byte.toString(16).padStart(2, '0').repeat(32);

export interface Committee {
  readonly set: ValidatorSet;
  readonly seeds: readonly Uint8Array[];
}

/** Four validators of weight 1; another `first` gives others. */
export function committee(first: number): Committee {
  const signers = Array.from({ length: 4 }, (_, i) => new Uint8Array(32).fill(first + i))
    .map((seed) => ({ seed, publicKey: toHex(publicKeyOf(seed)) }))
    .sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
  return {
    set: signers.map(({ publicKey }) => ({ publicKey, weight: 1 })),
    seeds: signers.map(({ seed }) => seed),
  };
}

/** Signed blocks of a chain whose epochs have the committees given. */
export class TestChain {
  readonly committees: readonly Committee[];
  readonly headers: BlockHeader[] = [];
  readonly #stateRoot: string;
  readonly #records: readonly string[];

  constructor(committees: readonly Committee[], stateRoot = hashOf(0x5a), records: readonly string[] = []) {
    this.committees = committees;
    this.#stateRoot = stateRoot;
    this.#records = records;
    for (let height = 0; height <= (committees.length - 1) * EPOCH_BLOCKS; height++)
      this.headers.push(this.#made(height));
  }

  get checkpoint(): Checkpoint {
    return { network: NETWORK, epochBlocks: EPOCH_BLOCKS, hash: this.hashAt(0) };
  }

  header(height: number): BlockHeader {
    return this.headers[height] as BlockHeader;
  }

  hashAt(height: number): string {
    return headerHash(this.header(height), nobleSuite);
  }

  /** Of `finalise` votes by those whose indices are given. */
  certify(
    header: BlockHeader,
    signers = [0, 1, 3],
    change: Partial<Ballot> = {},
    by = header.epoch,
  ): QuorumCertificate {
    const block = headerHash(header, nobleSuite);
    const ballot: Ballot = { kind: 'finalise', epoch: header.epoch, view: header.view, block, ...change };
    const { seeds } = this.committees[by] as Committee;
    const votes = signers.map((validator) => {
      const signature = signEd25519(ballotMessage(NETWORK, ballot), seeds[validator] as Uint8Array);
      return { ...ballot, validator, signature };
    });
    return assembleCertificate(ballot, votes);
  }

  /** Of `epoch`, with the next set where it is another one. */
  end(epoch: number): EpochEnd {
    const header = this.header((epoch + 1) * EPOCH_BLOCKS);
    const [set, next] = [this.committees[epoch]?.set, this.committees[epoch + 1]?.set];
    // The last block of an epoch may be proposed again in a later view.
    const certificate = this.certify(header, [0, 1, 3], { view: header.view + 2 });
    return { header, certificate, nextValidators: next === set || next === undefined ? null : next };
  }

  #made(height: number): BlockHeader {
    const epoch = height === 0 ? 0 : Math.floor((height - 1) / EPOCH_BLOCKS);
    const hashAt = (index: number) =>
      validatorSetHash((this.committees[index] ?? (this.committees.at(-1) as Committee)).set, nobleSuite);
    return {
      network: NETWORK,
      epoch,
      height,
      view: height === 0 ? 0 : ((height - 1) % EPOCH_BLOCKS) + 1,
      parent: height === 0 ? ZERO_HASH : this.hashAt(height - 1),
      timeMs: 1_700_000_000_000 + height,
      proposer: 0,
      recordCount: this.#records.length,
      recordsRoot: recordsRoot(this.#records, nobleSuite),
      stateRoot: this.#stateRoot,
      validatorsHash: hashAt(epoch),
      nextValidatorsHash: hashAt(epoch + 1),
    };
  }
}
