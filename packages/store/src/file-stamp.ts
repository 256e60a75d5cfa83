import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** What changes when a file is written to or replaced: enough to know that it is still the one that was hashed. */
export interface FileStamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}

function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): FileStamp {
  return { size, mtimeNs, ctimeNs, ino };
}

/** Null when the file is gone. */
export async function readStamp(path: string): Promise<FileStamp | null> {
  try {
    return stampOf(await stat(path, { bigint: true }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export function readStampSync(path: string): FileStamp | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : stampOf(stats);
}

export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return sameContents(a, b) && a.ctimeNs === b.ctimeNs;
}

/** As {@link sameStamp}, except that name and mode may have changed. */
export function sameContents(a: FileStamp, b: FileStamp): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino;
}
