import { resolve } from 'node:path';
import envPaths from 'env-paths';

/** The user's data folder for this program as the system wants it (XDG on Linux). */
export function defaultDataDir(): string {
  return envPaths('blyan', { suffix: '' }).data;
}

/** Absolute path of a data directory as the user wrote it; `~/` is expanded because it also comes from files. */
export function resolveDataDir(value: string | undefined, cwd: string, home: string | undefined): string {
  if (value === undefined) return defaultDataDir();
  if (home !== undefined && (value === '~' || value.startsWith('~/'))) return resolve(home, value.slice(2));
  return resolve(cwd, value);
}
