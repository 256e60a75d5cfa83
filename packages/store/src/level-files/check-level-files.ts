import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemError } from '../errors.ts';
import { type FileDamage, FileDamageError } from './file-damage.ts';
import { liveTables } from './live-tables.ts';
import { checkLogFile } from './log-file.ts';
import { checkTableFile } from './table-file.ts';

const TABLE = /^\d+\.(?:ldb|sst)$/;
const LOG = /^(?:\d+\.log|MANIFEST-\d+)$/;

/**
 * Damaged files of a directory that Level keeps: each byte of its tables, logs, manifest and the pointer to it is covered.
 * To be called while no process has it open: opening it rewrites the log, and leaves out what is damaged there without
 * saying so. A log that a crash cut off is damaged too, until the store was opened again. Text logs are not looked at, nor tables
 * that a stopped compaction left and the manifest does not name.
 *
 * @throws ERR_STORE_IO; the signal's reason
 */
export async function checkLevelFiles(dir: string, signal?: AbortSignal): Promise<FileDamage[]> {
  const damage: FileDamage[] = [];
  try {
    const names = (await readdir(dir)).sort();
    const live = await readLiveTables(dir);
    for (const number of live ?? []) {
      const [file] = tableNames(number);
      if (!tableNames(number).some((name) => names.includes(name))) {
        damage.push({ file: file as string, offset: 0, what: 'it is not there' });
      }
    }
    for (const file of names) {
      signal?.throwIfAborted();
      const check = checkOf(file, names);
      if (check === null || (TABLE.test(file) && live !== null && !live.has(Number.parseInt(file, 10)))) continue;
      const bytes = await readFile(join(dir, file));
      try {
        check(bytes);
      } catch (error) {
        if (!(error instanceof FileDamageError)) throw error;
        damage.push({ file, offset: error.offset, what: error.message });
      }
    }
  } catch (error) {
    throw systemError(error, `checking the files of ${dir}`);
  }
  return damage;
}

const tableNames = (number: number) => ['ldb', 'sst'].map((kind) => `${String(number).padStart(6, '0')}.${kind}`);

/** Null where the manifest is damaged or missing, which is told of it: then every table counts. */
async function readLiveTables(dir: string): Promise<Set<number> | null> {
  try {
    const current = await readFile(join(dir, 'CURRENT'), 'latin1');
    return liveTables(await readFile(join(dir, current.trim())));
  } catch {
    return null;
  }
}

function checkOf(file: string, names: readonly string[]): ((bytes: Uint8Array) => void) | null {
  if (TABLE.test(file)) return checkTableFile;
  if (LOG.test(file)) return checkLogFile;
  if (file !== 'CURRENT') return null;
  return (bytes) => {
    const [, manifest] = /^(MANIFEST-\d{6,})\n$/.exec(Buffer.from(bytes).toString('latin1')) ?? [];
    if (manifest === undefined) throw new FileDamageError(0, 'it does not name a manifest');
    if (!names.includes(manifest)) throw new FileDamageError(0, `it names ${manifest}, which is not there`);
  };
}
