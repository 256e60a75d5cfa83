import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '@blyan/interface';
import { removeFile, syncDir } from './disk.ts';
import { StoreError, systemError } from './errors.ts';

const NAME = /^[a-z0-9][a-z0-9.-]{0,127}$/;
const UNFINISHED = '.unfinished';

/** Blobs as files of a directory, which is created with the first of them. One process uses it at a time. */
export class FileBlobs implements BlobStore {
  readonly #dir: string;
  #ready: Promise<void> | null = null;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** @throws ERR_STORE_KEY, ERR_STORE_IO */
  async get(name: string): Promise<Uint8Array | null> {
    const path = this.#path(name);
    try {
      return new Uint8Array(await readFile(path));
    } catch (error) {
      if (isMissing(error)) return null;
      throw systemError(error, `reading ${path}`);
    }
  }

  /** @throws ERR_STORE_KEY, ERR_STORE_DISK_FULL, ERR_STORE_IO */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    const temporary = `${path}${UNFINISHED}`;
    try {
      this.#ready ??= mkdir(this.#dir, { recursive: true }).then(() => undefined);
      await this.#ready;
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
      await syncDir(this.#dir);
    } catch (error) {
      await removeFile(temporary).catch(() => undefined);
      throw systemError(error, `writing ${path}`);
    }
  }

  /** @throws ERR_STORE_IO */
  async names(): Promise<string[]> {
    try {
      return (await readdir(this.#dir)).filter((name) => NAME.test(name) && !name.endsWith(UNFINISHED)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw systemError(error, `reading ${this.#dir}`);
    }
  }

  /** @throws ERR_STORE_KEY, ERR_STORE_IO */
  async delete(name: string): Promise<void> {
    const path = this.#path(name);
    try {
      await removeFile(path);
    } catch (error) {
      throw systemError(error, `removing ${path}`);
    }
  }

  #path(name: string): string {
    if (NAME.test(name) && !name.endsWith(UNFINISHED)) return join(this.#dir, name);
    throw new StoreError(
      'ERR_STORE_KEY',
      'The name of a blob has 1 to 128 lower-case letters, digits, dots and dashes.',
      { kind: 'caller', meta: { length: name.length } },
    );
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
