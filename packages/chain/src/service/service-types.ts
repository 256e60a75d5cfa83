import type { CryptoSuite, StateProof } from '@blyan/chain-format';
import type { KeyValueStore, Logger } from '@blyan/interface';
import type { Application } from '../application/application.ts';
import type { BuiltGenesis } from '../genesis/genesis-bytes.ts';
import type { MempoolOptions } from '../mempool/mempool.ts';
import type { HeadState, RecordSource } from '../mempool/record-source.ts';
import type { BlockSource, ConsensusNetwork, ReplicaClock, VoteSigner } from '../replica/ports.ts';
import type { ReplicaEvents, ReplicaService } from '../replica/types.ts';
import type { SnapshotSource } from '../snapshot/ports.ts';
import type { ChainNetwork } from './chain-network.ts';

/** The application with what is read from the state at its head. */
export interface ChainApplicationPort extends Application, HeadState {
  /** Value of a state key at the head, canonical bytes. */
  value(key: string): Uint8Array | undefined;
  /** Keys that begin so with their values, by code unit. */
  values(prefix: string, limit: number): Promise<readonly (readonly [key: string, value: Uint8Array])[]>;
  /** Leads to the state root of the head. */
  prove(key: string): StateProof;
}

export interface ChainServiceOptions {
  readonly genesis: BuiltGenesis;
  /** Null for a node that only follows; with a key it votes in the epochs whose set has it. */
  readonly signer: VoteSigner | null;
  /** How long a message between two good nodes takes at most, milliseconds; 500 without. */
  readonly deltaMs?: number;
  /** Least milliseconds between two blocks; 100 without. */
  readonly blockIntervalMs?: number;
  readonly mempool?: Omit<MempoolOptions, 'network'>;
}

export interface ChainServiceDeps {
  readonly store: KeyValueStore;
  readonly network: ChainNetwork;
  readonly logger: Logger;
  readonly suite: CryptoSuite;
  readonly clock?: ReplicaClock;
  /** What peers that begin from a snapshot are given; none without. */
  readonly snapshots?: SnapshotSource;
  /** Opens the application on what the store holds, from the genesis if it holds nothing. */
  openApplication(records: RecordSource): Promise<ChainApplicationPort>;
  createReplica(
    application: Application,
    network: ConsensusNetwork,
    source: BlockSource,
    events: ReplicaEvents,
  ): ReplicaService;
}
