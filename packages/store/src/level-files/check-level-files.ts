import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemError } from '../errors.ts';
import { type FileDamage, FileDamageError } from './file-damage.ts';
import { checkLogFile } from './log-file.ts';
import { checkTableFile } from './table-file.ts';

const TABLE = /^\d+\.(?:ldb|sst)$/;
const LOG = /^(?:\d+\.log|MANIFEST-\d+)$/;

/**
 * Damaged files of a directory that Level keeps: each byte of its tables, logs, manifest and the pointer to it is covered.
 * To be called while no process has it open: opening it rewrites the log, and leaves out what is damaged there without
 * saying so. A log that a crash cut off is damaged too, until the store was opened again. Text logs are not looked at.
 *
 * @throws ERR_STORE_IO; the signal's reason
 */
export async function checkLevelFiles(dir: string, signal?: AbortSignal): Promise<FileDamage[]> {
  const damage: FileDamage[] = [];
  try {
    const names = (await readdir(dir)).sort();
    for (const file of names) {
      signal?.throwIfAborted();
      const check = checkOf(file, names);
      if (check === null) continue;
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
