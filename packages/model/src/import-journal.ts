import { appendFile, open, rm, stat, truncate } from 'node:fs/promises';
import { isRoot, type Root } from '@blyan/interface';
import { MAX_MODEL_BLOCKS } from './spec.ts';

export interface JournalEntry {
  /** Index in the model's list of blocks. */
  readonly index: number;
  readonly root: Root;
  readonly byteLength: number;
  /** The block was not in the store before this import. */
  readonly added: boolean;
}

const MAX_LINE_BYTES = 128;

/**
 * Remembers, on disk, which blocks of an import are in the store, so that a killed import goes on where it was. Lines
 * are only hints: whoever reads them asks the store whether the block is there. A torn last line is dropped.
 */
export class ImportJournal {
  readonly #path: string;
  readonly #entries = new Map<number, JournalEntry>();

  private constructor(path: string) {
    this.#path = path;
  }

  static async open(path: string): Promise<ImportJournal> {
    const journal = new ImportJournal(path);
    const size = await stat(path).then(
      (info) => info.size,
      () => 0,
    );
    if (size === 0) return journal;
    if (size > MAX_MODEL_BLOCKS * MAX_LINE_BYTES) {
      await rm(path, { force: true });
      return journal;
    }
    await using file = await open(path, 'r');
    const text = await file.readFile('latin1');
    const complete = text.slice(0, text.lastIndexOf('\n') + 1);
    if (complete.length < text.length) await truncate(path, complete.length);
    for (const line of complete.split('\n')) journal.#read(line);
    return journal;
  }

  get(index: number): JournalEntry | undefined {
    return this.#entries.get(index);
  }

  entries(): JournalEntry[] {
    return [...this.#entries.values()];
  }

  async append(entry: JournalEntry): Promise<void> {
    this.#entries.set(entry.index, entry);
    await appendFile(this.#path, `${entry.index} ${entry.root} ${entry.byteLength} ${entry.added ? 'added' : 'had'}\n`);
  }

  async remove(): Promise<void> {
    this.#entries.clear();
    await rm(this.#path, { force: true });
  }

  #read(line: string): void {
    const match = /^(\d{1,6}) ([0-9a-f]{64}) (\d{1,15}) (added|had)$/.exec(line);
    if (match === null || !isRoot(match[2])) return;
    const [index, byteLength] = [Number(match[1]), Number(match[3])];
    this.#entries.set(index, { index, root: match[2], byteLength, added: match[4] === 'added' });
  }
}
