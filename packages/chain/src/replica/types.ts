import type { BlockOutline, CryptoSuite, Evidence, QuorumCertificate } from '@blyan/chain-format';
import type { Hash, KeyValueStore, Logger, NetworkId } from '@blyan/interface';
import type { Application } from '../application/application.ts';
import type { ConsensusMessage } from '../consensus/messages.ts';
import type { SimplexRules } from '../consensus/rules.ts';
import type { BlockSource, ConsensusNetwork, PeerKey, ReplicaClock, VoteSigner } from './ports.ts';

export interface ReplicaOptions {
  readonly network: NetworkId;
  /** Null for a node that follows and never votes. It votes in the epochs whose set has the key. */
  readonly signer: VoteSigner | null;
  /** How long a message between two good nodes is expected to take at most, milliseconds; 500 without. */
  readonly deltaMs?: number;
  /** Least milliseconds between two blocks of one leader after another; 100 without. */
  readonly blockIntervalMs?: number;
  /** Most milliseconds a view waits for its leader, however many failed before; 60,000 without. */
  readonly maxTimeoutMs?: number;
}

export interface ReplicaDeps {
  readonly application: Application;
  readonly store: KeyValueStore;
  readonly network: ConsensusNetwork;
  readonly source: BlockSource;
  readonly clock: ReplicaClock;
  readonly suite: CryptoSuite;
  /** Outline of a block whose body was written before, by this process or an earlier one. */
  readonly storedOutline: (hash: Hash) => BlockOutline | undefined;
  readonly logger?: Logger;
  /** Broken on purpose by simulations that have to notice. */
  readonly rules?: SimplexRules;
}

export interface ReplicaEvents {
  /** Blocks that are final and on disk: the newest one, and how many heights it is above the last time. */
  final(head: BlockOutline, certificate: QuorumCertificate): void;
  /** On disk. @param validator - who cast both votes */
  evidence(evidence: Evidence, validator: PeerKey): void;
  /** The replica stopped for good; nothing was sent since. The code is in the error. */
  halted(error: Error): void;
  /** A peer sent what no honest one does. */
  misbehaviour(peer: PeerKey, code: string): void;
}

/** Where a replica stands. */
export interface ReplicaStatus {
  readonly epoch: number;
  readonly view: number;
  readonly height: number;
  /** Index in the set of the epoch, or null. */
  readonly validator: number | null;
  readonly halted: boolean;
  /** Votes, blocks and certificates held in memory. */
  readonly held: number;
}

/** What drives consensus on one node: see `Replica`. */
export interface ReplicaService {
  /** Restores what the journal has and begins. */
  start(): Promise<void>;
  /** Nothing is sent or written after it settles. */
  stop(): Promise<void>;
  /** A message of a peer, decoded; order per peer is kept. */
  receive(from: PeerKey, message: ConsensusMessage): void;
  /** Records came or went: the application's `pending` may have changed. */
  poke(): void;
  /** A final block that a peer announced. It is fetched, with what lies before it, if it is new here. */
  offerFinal(from: PeerKey, block: BlockOutline, certificate: QuorumCertificate): void;
  /** A peer says that its chain is so long. */
  offerHeight(from: PeerKey, height: number): void;
  readonly status: ReplicaStatus;
}
