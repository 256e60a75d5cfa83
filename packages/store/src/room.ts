import { statfs } from 'node:fs/promises';
import { StoreError } from './errors.ts';

/** Counts the bytes in use and those promised to admissions in progress, and keeps both below the quota. */
export class Room {
  readonly #dir: string;
  readonly #quotaBytes: number;
  #usedBytes = 0;
  #reservedBytes = 0;

  constructor(dir: string, quotaBytes: number | undefined) {
    this.#dir = dir;
    this.#quotaBytes = quotaBytes ?? Number.POSITIVE_INFINITY;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  add(byteLength: number): void {
    this.#usedBytes += byteLength;
  }

  /** Promises room; call what it returns when the file is counted or given up. @throws ERR_STORE_QUOTA */
  reserve(byteLength: number): () => void {
    const taken = this.#usedBytes + this.#reservedBytes;
    if (taken + byteLength > this.#quotaBytes) {
      throw new StoreError(
        'ERR_STORE_QUOTA',
        `A block of ${byteLength} bytes does not fit: ${taken} of ${this.#quotaBytes} bytes are taken. ` +
          'Raise the quota, host less, or collect what is not pinned.',
        { kind: 'caller', meta: { byteLength, takenBytes: taken, quotaBytes: this.#quotaBytes } },
      );
    }
    this.#reservedBytes += byteLength;
    let open = true;
    return () => {
      if (open) this.#reservedBytes -= byteLength;
      open = false;
    };
  }

  /** @throws ERR_STORE_QUOTA, ERR_STORE_DISK_FULL when so many bytes more would not fit now */
  async assertRoom(byteLength: number): Promise<void> {
    this.reserve(byteLength)();
    const { bavail, bsize } = await statfs(this.#dir);
    if (bavail * bsize < byteLength) {
      throw new StoreError(
        'ERR_STORE_DISK_FULL',
        `A block of ${byteLength} bytes does not fit: ${bavail * bsize} bytes are free on the disk of ${this.#dir}. ` +
          'Free some space, host less, or use a larger disk.',
        { meta: { byteLength, freeBytes: bavail * bsize } },
      );
    }
  }
}
