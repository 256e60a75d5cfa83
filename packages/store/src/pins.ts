import { readFile } from 'node:fs/promises';
import { isRoot, type Root } from '@blyan/interface';
import { fileSize, replaceFile } from './disk.ts';
import { StoreError } from './errors.ts';

const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** The roots that garbage collection leaves alone, in a file of their own; a root may be pinned before it is here. */
export class Pins {
  readonly #path: string;
  readonly #roots: Set<Root>;
  readonly #tempPath: () => string;
  #writing: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;

  private constructor(path: string, roots: Set<Root>, tempPath: () => string) {
    this.#path = path;
    this.#roots = roots;
    this.#tempPath = tempPath;
  }

  /** @throws ERR_STORE_PINS when the file is not one we wrote */
  static async load(path: string, tempPath: () => string): Promise<Pins> {
    const size = await fileSize(path);
    if (size === null) return new Pins(path, new Set(), tempPath);
    const roots = size > MAX_FILE_BYTES ? null : parse(await readFile(path, 'utf8'));
    if (roots === null) {
      throw new StoreError(
        'ERR_STORE_PINS',
        `${path} is damaged. Delete it to go on; blocks are then unpinned until the node hosts them again.`,
        { meta: { path } },
      );
    }
    return new Pins(path, new Set(roots), tempPath);
  }

  has(root: Root): boolean {
    return this.#roots.has(root);
  }

  list(): Root[] {
    return [...this.#roots];
  }

  /** Resolves when the change is on disk. Changes made while a write is under way share the next one. */
  set(root: Root, pinned: boolean): Promise<void> {
    if (this.#roots.has(root) === pinned) return this.#queued ?? this.#writing;
    if (pinned) this.#roots.add(root);
    else this.#roots.delete(root);
    if (this.#queued === null) {
      const write = () => this.#write();
      this.#queued = this.#writing.then(write, write);
      this.#queued.catch(() => undefined);
      this.#writing = this.#queued;
    }
    return this.#queued;
  }

  /** Resolves when no write is under way. */
  async settled(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  #write(): Promise<void> {
    this.#queued = null;
    return replaceFile(this.#path, this.#tempPath(), JSON.stringify({ version: 1, pins: this.list().sort() }));
  }
}

function parse(text: string): Root[] | null {
  try {
    const value = JSON.parse(text) as { version?: unknown; pins?: unknown } | null;
    const pins = value?.version === 1 && Array.isArray(value.pins) ? value.pins : null;
    return pins?.every(isRoot) ? pins : null;
  } catch {
    return null;
  }
}
