import type { JournalEntry, PeerId } from '@blyan/interface';
import type { AnswerPart, AnswerSeal } from './answer-seal.ts';
import { MAX_ENTRY_PARTS, PART_BYTES } from './answer-shelf.ts';

/** For every so many parts there are, a part has one token more: the number of parts grows as the root of the tokens. */
const PARTS_PER_TOKEN = 64;

export interface AnswerEntryDeps {
  readonly seal: AnswerSeal;
  readonly maxBytes: number;
  /** A part was sealed; `index` is its number. */
  onPart(entry: AnswerEntry, index: number, part: Uint8Array): void;
  /** There is something to seal or to send: now, or with what comes next. */
  onWork(urgent: boolean): void;
  onDiscard(entry: AnswerEntry): void;
}

/** An answer that this node writes down: tokens gather until they are sealed, parts until the backup has them. */
export class AnswerEntry implements JournalEntry {
  readonly locator: string;
  /** Where the second copy is; null while there is no node for it. */
  backup: PeerId | null = null;
  /** Nodes that failed to keep it. */
  readonly failed = new Set<PeerId>();
  /** Parts that the backup has. */
  sent = 0;
  /** How often the backup had lost it. */
  losses = 0;
  readonly #deps: AnswerEntryDeps;
  readonly #parts: Uint8Array[] = [];
  #pending: number[] = [];
  #tokenCount = 0;
  #sizeBytes = 0;
  #isClosed = false;

  constructor(description: string, tokens: readonly number[], deps: AnswerEntryDeps) {
    this.#deps = deps;
    this.locator = deps.seal.locator;
    this.#pending = [...tokens];
    this.#add({ type: 'description', text: description });
    this.seal();
    deps.onWork(true);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get parts(): readonly Uint8Array[] {
    return this.#parts;
  }

  append(tokenId: number): void {
    if (this.#isClosed) return;
    this.#pending.push(tokenId);
    this.#deps.onWork(false);
  }

  end(report: string): void {
    if (this.#isClosed) return;
    this.seal();
    this.#add({ type: 'end', text: report });
    this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.seal();
    this.#isClosed = true;
    this.#deps.onWork(true);
  }

  discard(): void {
    this.#isClosed = true;
    this.#pending = [];
    this.#deps.onDiscard(this);
  }

  /** Tokens that gathered become a part, when they are enough: parts grow, so that a million tokens are few of them. */
  sealSome(): void {
    if (this.#pending.length >= this.#parts.length / PARTS_PER_TOKEN) this.seal();
  }

  /** All tokens that gathered become a part. */
  seal(): void {
    if (this.#pending.length === 0) return;
    this.#add({ type: 'tokens', from: this.#tokenCount, tokens: this.#pending });
    this.#tokenCount += this.#pending.length;
    this.#pending = [];
  }

  /** What does not fit any more is left out: it is computed again when it is needed. */
  #add(part: AnswerPart): void {
    const sealed = this.#deps.seal.seal(part);
    this.#sizeBytes += sealed.byteLength + PART_BYTES;
    if (this.#sizeBytes > this.#deps.maxBytes || this.#parts.length === MAX_ENTRY_PARTS) return;
    this.#deps.onPart(this, this.#parts.push(sealed) - 1, sealed);
  }
}
