import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a rename or removal in the directory survive a power cut; a no-op where directories cannot be opened. */
export async function syncDir(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file under its final name, read-only, on disk when this resolves. Its contents were written by somebody else. */
export async function settle(tempPath: string, path: string): Promise<void> {
  await syncFile(tempPath);
  await chmod(tempPath, 0o444);
  await rename(tempPath, path);
  await syncDir(dirname(path));
}

/**
 * Replaces a small file so that a crash leaves the old or the new one. `tempPath` is in the same directory; it is gone
 * afterwards, whatever the outcome.
 */
export async function replaceFile(path: string, tempPath: string, text: string): Promise<void> {
  try {
    const handle = await open(tempPath, 'w', 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(tempPath, path);
  } catch (error) {
    await removeFile(tempPath).catch(() => undefined);
    throw error;
  }
  await syncDir(dirname(path));
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Null when there is no such file. */
export async function fileSize(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
