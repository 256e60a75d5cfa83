/** What names an answer and is the right to it. It is shown by a client and told to no other node. */
export interface AnswerClaim {
  /** 128 random bits, 32 hexadecimal digits. */
  readonly id: string;
  /** Bearer token that the answer was asked for with; empty for none. */
  readonly bearer: string;
}

/** An answer as far as it was kept: perhaps fewer tokens than its client has seen, never others. */
export interface KeptAnswer {
  /** As it was opened with. */
  readonly description: string;
  readonly tokens: readonly number[];
  /** As it was ended with; null when its end is not known. */
  readonly end: string | null;
}

/** One answer being written down. Nothing here waits or throws: what cannot be kept costs computing it again. */
export interface JournalEntry {
  append(tokenId: number): void;
  /** The answer is complete. */
  end(report: string): void;
  /** Nothing more comes; what was written stays for its time. */
  close(): void;
  /** Forgets the answer everywhere: it never began. */
  discard(): void;
}

/** What any gateway of the network needs to go on with an answer when the one that began it is gone. */
export interface AnswerJournal {
  /** Begins an answer, or goes on with one of which `tokens` are known; an entry that is open under this claim ends. */
  open(claim: AnswerClaim, description: string, tokens?: readonly number[]): JournalEntry;
  /** Looks here, then at the other nodes; null when nobody has it: unknown, expired and foreign are the same. */
  find(claim: AnswerClaim, signal: AbortSignal): Promise<KeptAnswer | null>;
}
