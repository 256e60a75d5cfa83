import {
  type AnswerClaim,
  type AnswerJournal,
  type Clock,
  errorCode,
  type JournalEntry,
  type KeptAnswer,
  type Logger,
  type PeerId,
  type Service,
} from '@blyan/interface';
import { AnswerEntry } from './answer-entry.ts';
import { AnswerSeal } from './answer-seal.ts';
import { AnswerShelf } from './answer-shelf.ts';
import { P2pError } from './errors.ts';

/** How long an answer is kept after its last token, milliseconds. */
export const ANSWER_TTL_MS = 10 * 60_000;
/** Sealed bytes of one answer with its bookkeeping: a prompt of a million tokens fits. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const MAX_ENTRY_BYTES = MAX_ANSWER_BYTES + 64 * 1024;
/** Memory for the answers of this node, and as much for those it keeps for others. */
const SHELF_BYTES = 64 * 1024 * 1024;
/** Bytes sent to a backup in one call, unless one part alone is more. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_PARTS = 1024;
/** Tokens gather for so long: a sealed part and a call cost the same for one and for many. */
const GATHER_MS = 100;
const SWEEP_MS = 60_000;
/** Searches among other nodes at a time: each asks all of them. */
const MAX_SEARCHES = 16;
const MAX_ASKED = 64;
const SEARCH_MS = 3_000;
/** Times that a backup may lose an answer it was given before another node is chosen. */
const MAX_LOSSES = 1;
/** Answers of a node that is lost are given to another one when they were written to so lately: their clients may come. */
const RESCUED_MS = 60_000;
const MAX_RESCUED = 128;
/** Answers that are over while their backup does not have all of them yet; beyond, the oldest stay here alone. */
const MAX_UNSENT = 64;

export interface WirePart {
  readonly locator: string;
  /** Number of the part in its entry. */
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** The other nodes, as the journal needs them. */
export interface JournalPeers {
  /** Nodes that may keep a second copy, the best first. */
  backups(): readonly PeerId[];
  /** Nodes that may have one, the best first. */
  holders(): readonly PeerId[];
  /** Resolves with the locators of entries that the node does not have up to the part given. */
  put(peerId: PeerId, parts: readonly WirePart[]): Promise<readonly string[]>;
  /** The parts of each entry under the locator. */
  get(peerId: PeerId, locator: string, signal: AbortSignal): AsyncIterable<readonly Uint8Array[]>;
  drop(peerId: PeerId, locator: string): Promise<void>;
}

export interface NetworkJournalDeps {
  readonly self: PeerId;
  readonly peers: JournalPeers;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Answers in memory on two nodes, this one and the best other one, sealed with what their clients alone can show. Writing
 * is in the background and may lag a few tokens behind; a backup that fails is replaced by the next node.
 */
export class NetworkJournal implements AnswerJournal, Service {
  readonly #deps: NetworkJournalDeps;
  readonly #own: AnswerShelf;
  readonly #kept: AnswerShelf;
  /** Those that are written, or that a backup does not have completely. */
  readonly #entries = new Map<string, AnswerEntry>();
  readonly #sending = new Map<PeerId, Promise<void>>();
  #sweep: NodeJS.Timeout | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isUrgent = false;
  #isStopped = false;
  #searches = 0;

  constructor(deps: NetworkJournalDeps, shelfBytes = SHELF_BYTES) {
    this.#deps = deps;
    const options = { maxBytes: shelfBytes, maxEntryBytes: MAX_ENTRY_BYTES, ttlMs: ANSWER_TTL_MS };
    this.#own = new AnswerShelf(options, deps.clock);
    this.#kept = new AnswerShelf(options, deps.clock);
  }

  /** Lets go what has expired from now on, also while nobody writes. */
  async start(): Promise<void> {
    this.#sweep ??= setInterval(() => {
      this.#own.sweep();
      this.#kept.sweep();
    }, SWEEP_MS).unref();
  }

  /** What this node keeps for others. */
  get kept(): AnswerShelf {
    return this.#kept;
  }

  /** The parts of each entry under a locator: the one written here, and what others had kept here. */
  partsOf(locator: string): readonly (readonly Uint8Array[])[] {
    this.#entries.get(locator)?.seal();
    return [...this.#own.get(locator), ...this.#kept.get(locator)];
  }

  /** Answers that are being written, or not yet with their backup. */
  get openCount(): number {
    return this.#entries.size;
  }

  open(claim: AnswerClaim, description: string, tokens: readonly number[] = []): JournalEntry {
    const seal = new AnswerSeal(claim);
    const before = this.#entries.get(seal.locator);
    before?.close();
    const entry = new AnswerEntry(description, tokens, {
      seal,
      maxBytes: MAX_ANSWER_BYTES,
      onPart: (writing, index, part) => void this.#own.put(this.#deps.self, writing.locator, index, part),
      onWork: (urgent) => this.#schedule(urgent),
      onDiscard: (discarded) => this.#forget(discarded),
    });
    this.#entries.set(entry.locator, entry);
    return entry;
  }

  async find(claim: AnswerClaim, signal: AbortSignal): Promise<KeptAnswer | null> {
    const seal = new AnswerSeal(claim);
    const [best] = this.partsOf(seal.locator)
      .map((parts) => seal.assemble(parts))
      .filter((answer) => answer !== null)
      .sort((a, b) => Number(b.end !== null) - Number(a.end !== null) || b.tokens.length - a.tokens.length);
    return best ?? (await this.#search(seal, signal));
  }

  /** Resolves when the backups have all that there is until then, or there is no node left that takes it. */
  async settled(): Promise<void> {
    for (const entry of this.#entries.values()) entry.seal();
    do await this.#flush();
    while (this.#isDue());
  }

  /** Lets the backups have what they lack, as far as they take it within the time. */
  async stop(withinMs = 1000): Promise<void> {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    await Promise.race([this.settled(), late]);
    clearTimeout(timer);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#isStopped = true;
  }

  /**
   * A node is gone. What it kept for answers written here goes to another one; what it wrote lately and this node keeps
   * may be the last copy, so another node is given one, too.
   */
  async lost(peerId: PeerId): Promise<void> {
    for (const entry of this.#entries.values()) if (entry.backup === peerId) giveUp(entry, peerId);
    if (this.#isDue()) this.#schedule(true);
    const kept = this.#kept.writtenBy(peerId, this.#deps.clock.nowMs() - RESCUED_MS).slice(0, MAX_RESCUED);
    for (const { locator, parts } of kept) {
      if (this.#isStopped) return;
      await this.#copy(locator, parts, peerId);
    }
  }

  /** A node is here, perhaps again: what it failed before its connection stood does not count. */
  returned(peerId: PeerId): void {
    for (const entry of this.#entries.values()) entry.failed.delete(peerId);
    if (this.#isDue()) this.#schedule(true);
  }

  async #copy(locator: string, parts: readonly Uint8Array[], writer: PeerId): Promise<void> {
    const wire = parts.map((bytes, index) => ({ locator, index, bytes })).slice(0, BATCH_PARTS);
    for (const peerId of this.#deps.peers.backups()) {
      if (peerId === writer) continue;
      try {
        const refused = await this.#deps.peers.put(peerId, wire);
        if (refused.length === 0) return;
      } catch (error) {
        this.#deps.logger.debug('an answer of a lost node was not copied', { peerId, code: errorCode(error) });
      }
    }
  }

  #schedule(urgent: boolean): void {
    if (this.#isStopped || (this.#timer !== null && (this.#isUrgent || !urgent))) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#isUrgent = urgent;
    this.#timer = setTimeout(() => void this.#flush(), urgent ? 0 : GATHER_MS).unref();
  }

  #isDue(): boolean {
    return [...this.#entries.values()].some(
      (entry) => entry.sent < entry.parts.length && this.#backupOf(entry) !== null,
    );
  }

  /** One call to each backup that lacks something. */
  async #flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isUrgent = false;
    const due = new Map<PeerId, AnswerEntry[]>();
    this.#releaseUnsent();
    for (const entry of this.#entries.values()) {
      entry.sealSome();
      const backup = this.#backupOf(entry);
      if (entry.isClosed && (backup === null || entry.sent === entry.parts.length)) this.#release(entry);
      else if (backup !== null && entry.sent < entry.parts.length) due.set(backup, [...(due.get(backup) ?? []), entry]);
    }
    await Promise.all([...due].map(([backup, entries]) => this.#send(backup, entries)));
  }

  #backupOf(entry: AnswerEntry): PeerId | null {
    entry.backup ??= this.#deps.peers.backups().find((peerId) => !entry.failed.has(peerId)) ?? null;
    return entry.backup;
  }

  /** One call at a time, so that parts come in order; what is due meanwhile goes with the next. */
  #send(backup: PeerId, entries: readonly AnswerEntry[]): Promise<void> {
    const running = this.#sending.get(backup);
    if (running !== undefined) return running;
    const sending = this.#sendBatch(backup, entries).finally(() => {
      this.#sending.delete(backup);
      if (this.#isDue()) this.#schedule(true);
    });
    this.#sending.set(backup, sending);
    return sending;
  }

  async #sendBatch(backup: PeerId, entries: readonly AnswerEntry[]): Promise<void> {
    const { parts, upTo } = batchOf(entries);
    try {
      const lost = new Set(await this.#deps.peers.put(backup, parts));
      for (const [entry, sent] of upTo) {
        if (entry.backup !== backup) continue;
        if (!lost.has(entry.locator)) entry.sent = sent;
        else if (entry.losses++ < MAX_LOSSES) entry.sent = 0;
        else giveUp(entry, backup);
        if (entry.isClosed && entry.sent === entry.parts.length) this.#release(entry);
      }
    } catch (error) {
      this.#deps.logger.debug('a backup of answers failed', { peerId: backup, code: errorCode(error) });
      for (const entry of this.#entries.values()) if (entry.backup === backup) giveUp(entry, backup);
    }
  }

  #releaseUnsent(): void {
    const over = [...this.#entries.values()].filter(({ isClosed }) => isClosed);
    for (const entry of over.slice(0, Math.max(0, over.length - MAX_UNSENT))) this.#release(entry);
  }

  /** It stays on the shelves; nothing more is to be written. */
  #release(entry: AnswerEntry): void {
    if (this.#entries.get(entry.locator) === entry) this.#entries.delete(entry.locator);
  }

  #forget(entry: AnswerEntry): void {
    if (this.#entries.get(entry.locator) !== entry) return;
    this.#entries.delete(entry.locator);
    this.#own.drop(this.#deps.self, entry.locator);
    if (entry.backup === null) return;
    this.#deps.peers.drop(entry.backup, entry.locator).catch((error) => {
      this.#deps.logger.debug('an answer was not dropped', { peerId: entry.backup, code: errorCode(error) });
    });
  }

  /** Asks many nodes at once; what the first has that can be read is as good as any other's. */
  async #search(seal: AnswerSeal, signal: AbortSignal): Promise<KeptAnswer | null> {
    if (this.#searches >= MAX_SEARCHES) {
      throw new P2pError('ERR_P2P_BUSY', 'Too many answers are being looked for among the nodes; try again soon.');
    }
    this.#searches++;
    const found = new AbortController();
    const until = AbortSignal.any([signal, found.signal, AbortSignal.timeout(SEARCH_MS)]);
    const ask = async (peerId: PeerId): Promise<KeptAnswer> => {
      for await (const parts of this.#deps.peers.get(peerId, seal.locator, until)) {
        const answer = seal.assemble(parts);
        if (answer !== null) return answer;
      }
      throw new P2pError('ERR_P2P_BAD_RESPONSE', 'The peer does not have this answer.', { kind: 'peer' });
    };
    try {
      return await Promise.any(this.#deps.peers.holders().slice(0, MAX_ASKED).map(ask));
    } catch {
      signal.throwIfAborted();
      return null;
    } finally {
      found.abort();
      this.#searches--;
    }
  }
}

function giveUp(entry: AnswerEntry, backup: PeerId): void {
  entry.failed.add(backup);
  entry.backup = null;
  entry.sent = 0;
  entry.losses = 0;
}

function batchOf(entries: readonly AnswerEntry[]): { parts: WirePart[]; upTo: Map<AnswerEntry, number> } {
  const parts: WirePart[] = [];
  const upTo = new Map<AnswerEntry, number>();
  let room = BATCH_BYTES;
  for (const entry of entries) {
    for (let index = entry.sent; index < entry.parts.length; index++) {
      const bytes = entry.parts[index] as Uint8Array;
      room -= bytes.byteLength;
      if (parts.length > 0 && (room < 0 || parts.length === BATCH_PARTS)) return { parts, upTo };
      parts.push({ locator: entry.locator, index, bytes });
      upTo.set(entry, index + 1);
    }
  }
  return { parts, upTo };
}
