import {
  type BlockOutline,
  decodeRecord,
  decodeValidatorSet,
  type HashedRecord,
  headerHash,
  type QuorumCertificate,
  type ValidatorSet,
  validatorSetHash,
  verifyCertificate,
  verifyRecord,
} from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import { placeKeys } from '../storage/block-writes.ts';
import { blockKey, epochEndKey, heightKey, placeKey, recordKey, validatorSetKey } from '../storage/keys.ts';
import {
  decodeEpochEnd,
  decodeHeight,
  decodePlace,
  decodeStoredBlock,
  encodeEpochEnd,
  encodeStoredBlock,
} from '../storage/stored-values.ts';
import type { Findings } from './findings.ts';
import { ReplayedState } from './replayed-state.ts';
import type { VerifyDeps, VerifyOptions } from './verify-chain.ts';

/** Checks blocks in ascending order: each against the one before, its certificate, its records, its indexes and its state. */
export class BlockVerifier {
  readonly #options: VerifyOptions;
  readonly #deps: VerifyDeps;
  readonly #findings: Findings;
  readonly #state: ReplayedState | null;
  #before: BlockOutline | null = null;
  /** Lowest height whose block waits for a certificate of a later one. */
  #uncertified: number | null = null;
  #validators: ValidatorSet;
  #nextHash: Hash;

  /** @param replay whether every block from the genesis is there */
  constructor(options: VerifyOptions, deps: VerifyDeps, findings: Findings, replay: boolean) {
    this.#options = options;
    this.#deps = deps;
    this.#findings = findings;
    this.#state = replay && options.execute !== undefined ? new ReplayedState() : null;
    this.#validators = options.genesis.validators;
    this.#nextHash = validatorSetHash(options.genesis.validators, deps.suite);
  }

  /** The state after the last block; null unless every block was executed. */
  get state(): ReplayedState | null {
    return this.#state;
  }

  verify(height: number, bodies: boolean): void {
    const { store, suite } = this.#deps;
    const key = blockKey(height);
    const bytes = store.get(key);
    if (bytes === undefined) {
      this.#findings.add(key, 'the block is missing');
      this.#before = null;
      return;
    }
    const stored = this.#findings.try(key, () => decodeStoredBlock(bytes, suite));
    if (stored === null) {
      this.#before = null;
      return;
    }
    if (!same(encodeStoredBlock(stored), bytes)) this.#findings.add(key, 'it is not in canonical form');
    this.#header(key, stored.block, height);
    if (height > 0) this.#certificate(key, stored.block, stored.certificate);
    const records = this.#records(stored.block, height, bodies);
    this.#execute(key, stored.block, records);
    this.#expect(heightKey(stored.block.hash), (value) => decodeHeight(value) === height);
    this.#before = stored.block;
  }

  /** Goes on behind blocks that were pruned: the ends of epochs lead to the validators of this one. */
  resume(height: number): void {
    const epoch = Math.floor((height - 1) / this.#options.epochBlocks);
    this.#before = null;
    for (let past = 0; past < epoch; past++) {
      const key = epochEndKey(past);
      const bytes = this.#deps.store.get(key);
      const end = bytes === undefined ? null : this.#findings.try(key, () => decodeEpochEnd(bytes));
      if (end === null) {
        this.#findings.add(key, 'the end of an epoch is missing');
        return;
      }
      const { network } = this.#options;
      this.#findings.try(key, () => verifyCertificate(end.certificate, this.#validators, network, this.#deps.suite));
      if (headerHash(end.header, this.#deps.suite) !== end.certificate.block) {
        this.#findings.add(key, 'its certificate is for another block');
      }
      this.#nextHash = end.header.nextValidatorsHash;
      this.#beginEpoch();
    }
  }

  /** After the head. */
  finish(): void {
    if (this.#uncertified !== null) this.#findings.add(blockKey(this.#uncertified), 'nothing certifies it');
  }

  #header(key: string, { hash, header }: BlockOutline, height: number): void {
    const { genesis, network, epochBlocks } = this.#options;
    const wrong = (what: string) => this.#findings.add(key, what);
    if (header.network !== network) wrong('it is of another network');
    if (header.height !== height) wrong('it is of another height');
    if (height === 0 && hash !== genesis.block.hash) wrong('it is another genesis block');
    if (height > 0 && header.epoch !== Math.floor((height - 1) / epochBlocks)) wrong('it is of another epoch');
    if (this.#before === null) return;
    if (header.parent !== this.#before.hash) {
      wrong('its parent is not the block before');
      // Nobody signed that one by itself: it may be the one that was changed, and this one right.
      if (this.#uncertified !== null) this.#findings.add(blockKey(height - 1), 'the block after it has another parent');
    }
    if (header.timeMs <= this.#before.header.timeMs) wrong('its time is not after that of the block before');
    if (header.epoch !== this.#before.header.epoch) this.#beginEpoch();
    if (header.validatorsHash !== validatorSetHash(this.#validators, this.#deps.suite))
      wrong('its validators are others');
    this.#nextHash = header.nextValidatorsHash;
  }

  /** The set that the epoch before has named. */
  #beginEpoch(): void {
    const key = validatorSetKey(this.#nextHash);
    const { suite, store } = this.#deps;
    if (this.#nextHash === validatorSetHash(this.#validators, suite)) return;
    const bytes = store.get(key);
    if (bytes === undefined) {
      this.#findings.add(key, 'the validators of an epoch are missing');
      return;
    }
    this.#validators = this.#findings.try(key, () => decodeValidatorSet(bytes)) ?? this.#validators;
  }

  #certificate(key: string, { hash, header }: BlockOutline, certificate: QuorumCertificate | null): void {
    const { network, epochBlocks } = this.#options;
    const { suite } = this.#deps;
    const isEnd = header.height % epochBlocks === 0;
    if (certificate === null) {
      this.#uncertified ??= header.height;
      if (isEnd) this.#findings.add(key, 'the last block of an epoch has no certificate of its own');
      return;
    }
    this.#uncertified = null;
    this.#findings.try(key, () => {
      if (certificate.kind !== 'finalise' || certificate.epoch !== header.epoch || certificate.block !== hash) {
        throw new RangeError('its certificate is for something else');
      }
      verifyCertificate(certificate, this.#validators, network, suite);
    });
    if (!isEnd) return;
    const end = encodeEpochEnd({ header, certificate });
    this.#expect(epochEndKey(header.epoch), (value) => same(value, end));
  }

  /** The block's records; null where not all are there and sound. */
  #records({ recordHashes }: BlockOutline, height: number, bodies: boolean): HashedRecord[] | null {
    const { store, suite } = this.#deps;
    const records: HashedRecord[] = [];
    for (const [index, hash] of recordHashes.entries()) {
      this.#expect(placeKey(hash), (value) => {
        const place = decodePlace(value);
        return place.height === height && place.index === index;
      });
      if (!bodies) continue;
      const key = recordKey(hash);
      const bytes = store.get(key);
      if (bytes === undefined) {
        this.#findings.add(key, 'the record is missing');
        continue;
      }
      const record = this.#findings.try(key, () => {
        const decoded = decodeRecord(bytes, suite);
        if (decoded.hash !== hash) throw new RangeError('it is another record');
        verifyRecord(decoded, this.#options.network, suite);
        return decoded;
      });
      if (record === null) continue;
      records.push(record);
      for (const indexKey of placeKeys(record, { height, index }))
        this.#expect(indexKey, (value) => value.length === 0);
    }
    return records.length === recordHashes.length ? records : null;
  }

  #execute(key: string, block: BlockOutline, records: readonly HashedRecord[] | null): void {
    const { execute } = this.#options;
    if (this.#state === null || execute === undefined || this.#findings.full) return;
    if (records === null) return;
    const state = this.#state;
    const overlay = this.#findings.try(key, () => execute(state, block, records, this.#before));
    if (overlay === null) return;
    if (overlay.root !== block.header.stateRoot) this.#findings.add(key, 'its state root is not that of its records');
    state.absorb(overlay);
  }

  #expect(key: string, holds: (value: Uint8Array) => boolean): void {
    const value = this.#deps.store.get(key);
    if (value === undefined) this.#findings.add(key, 'it is missing');
    else if (this.#findings.try(key, () => holds(value)) === false) this.#findings.add(key, 'it says something else');
  }
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
