import type { Misdeeds } from './misbehave.ts';

/** What a process of a validator is started with, as JSON in its first argument. */
export interface ValidatorSetup {
  /** Canonical bytes of the genesis, hexadecimal. */
  readonly genesis: string;
  /** Secret seed of the node's key, hexadecimal. */
  readonly seed: string;
  readonly dir: string;
  readonly port: number;
  /** Multiaddrs of those it dials. */
  readonly bootstrap: readonly string[];
  /** What others are told instead of the port; null for the port itself. */
  readonly announce: string | null;
  readonly deltaMs: number;
  readonly blockIntervalMs: number;
  /** Equivocates, lies about the state and withholds votes. */
  readonly malicious: boolean;
}

export type ToValidator =
  | { readonly type: 'submit'; readonly records: readonly string[] }
  | { readonly type: 'report' }
  /** Asks for a `round-trip`. */
  | { readonly type: 'ping' }
  | { readonly type: 'end' };

export type FromValidator =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'submitted'; readonly codes: readonly string[] }
  /** To its peers, the median of a few, milliseconds. */
  | { readonly type: 'round-trip'; readonly rttMs: number }
  | {
      readonly type: 'head';
      readonly height: number;
      readonly hash: string;
      /** From the proposal of the head to now, milliseconds. */
      readonly ageMs: number;
      /** From the proposal of the head until this process knew that it is final, milliseconds; its disk was not asked yet. */
      readonly decidedMs: number;
      /** Processor time of this process since it started, milliseconds. */
      readonly cpuMs: number;
      /** Of this process since it started. */
      readonly records: number;
      readonly waitingMs: number;
      readonly pending: number;
      readonly peers: number;
      /** Pieces of evidence that it holds, of this life and those before. */
      readonly evidence: number;
      /** Codes of what it held against others in this life. */
      readonly blamed: readonly string[];
      /** What it did itself, if it is malicious. */
      readonly deeds: Misdeeds | null;
      /** Code of what the chain has stopped for. */
      readonly failure: string | null;
    };
