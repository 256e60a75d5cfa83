/** What a process of `chain-node.ts` is told. */
export interface ChainNodeSetup {
  /** A file. */
  readonly genesis: string;
  readonly network: string;
  /** Folders of its chain and of its snapshots. */
  readonly dir: string;
  readonly snapshots: string;
  /** Whom it joins through. */
  readonly bootstrap: readonly string[];
  /** Whether it keeps and replays all. */
  readonly archive: boolean;
  /** The height that makes it usable; null for one that only serves. */
  readonly until: number | null;
  /** Blocks from one look at its memory to the next. */
  readonly sampleEvery: number;
}

export interface MemorySample {
  readonly height: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** What it says once, when it is usable. */
export interface FromChainNode {
  readonly address: string;
  /** Height at which its chain began. */
  readonly first: number;
  /** Milliseconds until its chain was open, and until it had the height. */
  readonly beginMs: number;
  readonly usableMs: number;
  /** Milliseconds of processor time in between, all threads: says something on a busy machine too. */
  readonly cpuMs: number;
  readonly samples: readonly MemorySample[];
}
