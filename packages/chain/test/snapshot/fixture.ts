import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  assembleCertificate,
  type BlockOutline,
  ballotMessage,
  headerHash,
  type QuorumCertificate,
  recordsRoot,
  type ValidatorSet,
  validatorSetHash,
  ZERO_HASH,
} from '@blyan/chain-format';
import { generateKeyPair, signEd25519, nodeSuite as suite, toHex } from '@blyan/crypto';
import type { KeyValueStore } from '@blyan/interface';
import { FileBlobs, MemoryStore } from '@blyan/store';
import { onTestFinished } from 'vitest';
import {
  finalBlockWrites,
  type PeerKey,
  type SnapshotPeers,
  SnapshotShelf,
  type SnapshotSource,
  validatorSetWrites,
} from '../../src/index.ts';
import { StateOverlay } from '../../src/state/state-overlay.ts';
import { EMPTY_STATE, type StateReader } from '../../src/state/state-reader.ts';
import { StoredState } from '../../src/state/stored-state.ts';

export { suite };
export const NETWORK = 'ab'.repeat(32);
export const EPOCH_BLOCKS = 4;

type Keys = ReturnType<typeof generateKeyPair>;

/** Validators with their keys, in the order of a set. */
export function makeValidators(count: number): Keys[] {
  return Array.from({ length: count }, generateKeyPair).sort((a, b) => Buffer.compare(a.publicKey, b.publicKey));
}

const setOf = (keys: readonly Keys[]): ValidatorSet =>
  keys.map(({ publicKey }) => ({ publicKey: toHex(publicKey), weight: 1 }));

export function certify(
  block: BlockOutline,
  keys: readonly Keys[],
  count = keys.length,
  network = NETWORK,
): QuorumCertificate {
  const { epoch, view } = block.header;
  const ballot = { kind: 'finalise', epoch, view, block: block.hash } as const;
  const message = ballotMessage(network, ballot);
  const votes = keys
    .slice(0, count)
    .map(({ secretSeed }, validator) => ({ ...ballot, validator, signature: signEd25519(message, secretSeed) }));
  return assembleCertificate(ballot, votes);
}

/** A chain in a store; its validators change from one set to the other every second epoch. */
export class TestChain {
  readonly store: KeyValueStore = new MemoryStore();
  readonly sets: readonly (readonly Keys[])[];
  readonly network: string;
  readonly genesis: { block: BlockOutline; validators: ValidatorSet };
  head: BlockOutline;
  #state: StateReader;
  readonly #stored: StoredState;

  private constructor(sets: readonly (readonly Keys[])[], network: string) {
    this.sets = sets;
    this.network = network;
    this.#stored = new StoredState(this.store);
    const overlay = new StateOverlay(EMPTY_STATE, new Map([['pact', new Uint8Array([1])]]));
    this.#state = overlay;
    this.head = this.#block(0, null, overlay.root, []);
    this.genesis = { block: this.head, validators: setOf(this.signers(0)) };
  }

  static async create(
    sets: TestChain['sets'] = [makeValidators(4), makeValidators(4)],
    network = NETWORK,
  ): Promise<TestChain> {
    const chain = new TestChain(sets, network);
    await chain.#commit(chain.head, chain.#state as StateOverlay, null);
    await chain.store.write(validatorSetWrites(chain.genesis.validators, suite), { sync: true });
    return chain;
  }

  signers(epoch: number): readonly Keys[] {
    return this.sets[Math.floor(epoch / 2) % this.sets.length] as readonly Keys[];
  }

  /** Blocks that change the state, with record hashes that nothing stands behind. */
  async grow(blocks: number, valueBytes = 40): Promise<void> {
    for (let n = 0; n < blocks; n++) {
      const height = this.head.header.height + 1;
      const values = new Map<string, Uint8Array>();
      for (let i = 0; i < 5; i++) values.set(`account/${height}-${i}`, new Uint8Array(valueBytes).fill(height));
      const overlay = new StateOverlay(this.#stored, values);
      const block = this.#block(height, this.head, overlay.root, [toHex(suite.sha256(new Uint8Array([height])))]);
      await this.#commit(block, overlay, certify(block, this.signers(block.header.epoch), 3, this.network));
      this.head = block;
    }
  }

  #block(height: number, parent: BlockOutline | null, stateRoot: string, recordHashes: string[]): BlockOutline {
    const epoch = Math.max(0, Math.floor((height - 1) / EPOCH_BLOCKS));
    const header = {
      network: this.network,
      epoch,
      height,
      view: height === 0 ? 0 : ((height - 1) % EPOCH_BLOCKS) + 1,
      parent: parent?.hash ?? ZERO_HASH,
      timeMs: height * 1_000,
      proposer: 0,
      recordCount: recordHashes.length,
      recordsRoot: recordsRoot(recordHashes, suite),
      stateRoot,
      validatorsHash: validatorSetHash(setOf(this.signers(epoch)), suite),
      nextValidatorsHash: validatorSetHash(setOf(this.signers(epoch + 1)), suite),
    };
    return { hash: headerHash(header, suite), header, recordHashes };
  }

  async #commit(block: BlockOutline, overlay: StateOverlay, certificate: QuorumCertificate | null): Promise<void> {
    const writes = [
      ...finalBlockWrites({ block, records: [], certificate }, { epochBlocks: EPOCH_BLOCKS }),
      ...validatorSetWrites(setOf(this.signers(block.header.epoch + 1)), suite),
      ...overlay.writes(),
    ];
    for (const [index, hash] of block.recordHashes.entries()) {
      writes.push({ key: `x/${hash}`, value: Uint8Array.from([0x82, block.header.height, index]) });
    }
    await this.store.write(writes, { sync: true });
    this.#stored.absorb(overlay);
  }
}

export async function tempBlobs(): Promise<FileBlobs> {
  const dir = await mkdtemp(join(tmpdir(), 'blyan-snapshot-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return new FileBlobs(dir);
}

export async function shelfOf(chain: TestChain): Promise<SnapshotShelf> {
  const options = { network: chain.network, epochBlocks: EPOCH_BLOCKS };
  return new SnapshotShelf(options, { store: chain.store, blobs: await tempBlobs(), suite });
}

/** Peers by name, asked directly; what they are penalised for is written down. */
export class TestPeers implements SnapshotPeers {
  readonly #sources: Map<PeerKey, SnapshotSource>;
  readonly penalties: [peer: PeerKey, code: string][] = [];
  readonly asked: [peer: PeerKey, index: number][] = [];

  constructor(sources: Record<PeerKey, SnapshotSource>) {
    this.#sources = new Map(Object.entries(sources));
  }

  peers(): PeerKey[] {
    return [...this.#sources.keys()];
  }

  async manifest(peer: PeerKey, signal: AbortSignal): Promise<Uint8Array | null> {
    signal.throwIfAborted();
    return (await this.#sources.get(peer)?.manifest()) ?? null;
  }

  async chunk(peer: PeerKey, height: number, index: number, signal: AbortSignal): Promise<Uint8Array | null> {
    signal.throwIfAborted();
    this.asked.push([peer, index]);
    return (await this.#sources.get(peer)?.chunk(height, index)) ?? null;
  }

  async epochEnds(peer: PeerKey, fromEpoch: number): Promise<readonly Uint8Array[]> {
    return this.#sources.get(peer)?.epochEnds(fromEpoch) ?? [];
  }

  penalize(peer: PeerKey, _points: number, code: string): void {
    this.penalties.push([peer, code]);
  }
}
