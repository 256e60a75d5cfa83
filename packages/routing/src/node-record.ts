import type { PeerId, Root } from '@blyan/interface';

/** Which blocks of one model a node hosts. */
export interface HostedModel {
  readonly root: Root;
  /** Bit i (byte `i >> 3`, bit `i & 7`) is set when the node hosts the i-th block of the manifest's `blocks`. Never changed in place. */
  readonly blocks: Uint8Array;
  /** What the node is asked for of the experts it hosts (`demandLevels`): four bits per expert. */
  readonly demand?: Uint8Array;
}

/** What a node measured of itself. Integers; 0 means not measured yet. */
export interface MeasuredFigures {
  /** Microseconds: one decode row through one layer, its chosen experts computed by the same node. */
  readonly stepUs: number;
  /** Microseconds: one decode row through one layer's trunk (attention, norms, gate). */
  readonly trunkUs: number;
  /** Microseconds: one expert call with one row. */
  readonly expertUs: number;
  /** Microseconds: final norm and output projection of one row. */
  readonly headUs: number;
  /** Microseconds: one row of a prefill chunk through one layer with its experts. */
  readonly prefillRowUs: number;
  /** Megabytes (10^6) per second the node can send. */
  readonly bandwidthMBps: number;
  /** Microseconds of software one request and its answer cost beyond the link's round trip. */
  readonly messageUs: number;
}

/** What a node says about itself, before the network layer adds identity, sequence and time. */
export interface NodeAdvertisement {
  /** Version of the software. */
  readonly version: string;
  /** 0 (no GPU) to 9. */
  readonly tier: number;
  /** Arithmetic profile: rows computed under one profile are equal to the bit. */
  readonly profile: string;
  /** The host SPEC the operator asked for. */
  readonly host: string;
  readonly models: readonly HostedModel[];
  readonly measured: MeasuredFigures;
  /** Sequences being computed. */
  readonly active: number;
  /** Requests that wait. */
  readonly queued: number;
  readonly freeKvBytes: number;
  /** The node answers HTTP. */
  readonly gateway: boolean;
}

/** The signed content of a node record (the signature itself is not among these fields). */
export interface NodeRecordFields extends NodeAdvertisement {
  /** Format version. */
  readonly v: 1;
  readonly peerId: PeerId;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Multiaddrs. */
  readonly addresses: readonly string[];
  /** Grows with every issue, also across restarts. */
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly issuedAtMs: number;
  readonly ttlMs: number;
}

/** A node as the router sees it: its record, and what the reader measured of the way to it. */
export interface NodeView extends NodeRecordFields {
  /** A connection is open, or the node is this one. */
  readonly reachable: boolean;
  readonly self: boolean;
  /** Milliseconds from this node; null before the first measurement, 0 for this node. */
  readonly rttMs: number | null;
  /** So many times slower than it says, as this node observed it; 1 when left out. */
  readonly slowness?: number;
  /** Whether the chain knows the node; left out where no chain runs. */
  readonly registered?: boolean;
}
