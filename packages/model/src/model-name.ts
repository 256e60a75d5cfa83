import { basename, resolve } from 'node:path';
import { isRoot } from '@blyan/interface';
import { ModelError } from './errors.ts';

/** What may stand in URLs, on command lines and in logs without quoting. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;

/** A model name is 1..128 of these characters and does not look like a root. */
export function isModelName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value) && !isRoot(value);
}

/** The name asked for, or the folder's with other characters replaced. @throws ModelError ERR_MODEL_OPTIONS */
export function modelNameOf(dir: string, name?: string): string {
  const folder = basename(resolve(dir)).replace(/[^A-Za-z0-9._-]+/g, '-');
  const chosen: string = name ?? folder.replace(/^[^A-Za-z0-9]+/, '').slice(0, 128);
  if (isModelName(chosen)) return chosen;
  throw new ModelError(
    'ERR_MODEL_OPTIONS',
    'A model name has 1 to 128 letters, digits and ". _ : / -", starts with a letter or digit, and is not a root: choose one with --name.',
  );
}
