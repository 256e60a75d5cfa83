import { constants } from 'node:fs';
import { access, copyFile, open, rename, rm } from 'node:fs/promises';
import { errorCode } from '@blyan/interface';
import { type Identity, loadOrCreateIdentity } from '@blyan/p2p';
import { NodeError } from '../errors.ts';

/**
 * The identity a key file holds; null when there is no such file (unlike a start, looking makes none).
 * @throws ERR_P2P_IDENTITY when it is no key
 */
export async function readNodeKey(path: string): Promise<Identity | null> {
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  return exists ? await loadOrCreateIdentity(path) : null;
}

/**
 * Copies a key to a new file that only this user can read; never over an existing one.
 * @throws ERR_NODE_KEY
 */
export async function copyNodeKey(from: string, to: string): Promise<void> {
  try {
    // Made with its final mode first: a copy would be readable by others for a moment.
    await (await open(to, 'wx', 0o600)).close();
    await copyFile(from, to);
    await using file = await open(to, constants.O_RDWR);
    await file.chmod(0o600);
    await file.sync();
  } catch (error) {
    const code = errorCode(error);
    const why = code === 'EEXIST' ? 'exists already; name a new file' : `cannot be written (${code})`;
    throw new NodeError('ERR_NODE_KEY', `${to} ${why}.`, { kind: 'caller', cause: error });
  }
}

/** Puts a key in the place of another, whole or not at all. @throws ERR_NODE_KEY */
export async function replaceNodeKey(from: string, to: string): Promise<void> {
  const aside = `${to}.new`;
  await rm(aside, { force: true });
  await copyNodeKey(from, aside);
  await rename(aside, to);
}
