import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const MARKER = 'complete.json';
const SPARE_BYTES = 512 * 1024 * 1024;

/**
 * A folder that is made once and used again while what it was made from is the same. A folder whose making was cut short
 * is made again.
 * @param description whatever the contents depend on
 * @param make fills the empty folder and returns what to remember of it
 */
export async function keptFolder<T>(
  dir: string,
  description: unknown,
  sizeBytes: number,
  make: (dir: string) => Promise<T>,
): Promise<T> {
  const key = createHash('sha256').update(JSON.stringify(description)).digest('hex');
  const marker = join(dir, MARKER);
  const known = await readFile(marker, 'utf8').then(
    (text) => JSON.parse(text) as { key: string; made: T },
    () => null,
  );
  if (known?.key === key) return known.made;
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await assertRoom(dir, sizeBytes);
  const made = await make(dir);
  await writeFile(marker, JSON.stringify({ key, made }));
  return made;
}

async function assertRoom(dir: string, sizeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(dir));
  if (bavail * bsize > sizeBytes + SPARE_BYTES) return;
  const wanted = Math.ceil((sizeBytes + SPARE_BYTES) / 1e9);
  throw new Error(`${dir} needs ${wanted} GB of free disk; choose another folder with --work-dir.`);
}
