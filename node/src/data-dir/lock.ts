import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '@blyan/interface';
import { NodeError } from '../errors.ts';
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts';

export interface DataDirLock {
  /** Idempotent. */
  release(): Promise<void>;
}

const ATTEMPTS = 100;
const RETRY_MS = 10;

/** The process that holds the lock, or null when nobody does (no file, or its process is gone). */
export function lockHolder(dataDir: string): Promise<ProcessIdentity | null> {
  return holderIn(join(dataDir, 'LOCK'));
}

async function holderIn(path: string): Promise<ProcessIdentity | null> {
  const identity = parse(await readFile(path, 'utf8').catch(() => ''));
  return identity !== null && isRunning(identity) ? identity : null;
}

function parse(text: string): ProcessIdentity | null {
  const [first = '', second = ''] = text.slice(0, 256).split('\n');
  const pid = Number(first);
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, startedAt: second === '' ? null : second } : null;
}

/**
 * Takes `DATA/LOCK` for this process. The file appears whole (written aside, then linked, which only one process can), so
 * nobody reads half of it; the lock of a process that is gone is taken over.
 * @throws ERR_NODE_DATA_DIR_LOCKED naming the process that holds it
 */
export async function acquireLock(dataDir: string, pid: number): Promise<DataDirLock> {
  const path = join(dataDir, 'LOCK');
  const own = identifyProcess(pid);
  const content = `${own.pid}\n${own.startedAt ?? ''}\n`;
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(aside, content, { mode: 0o600, flag: 'wx' });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await claim(aside, path)) return { release: () => release(path, content) };
      const holder = await lockHolder(dataDir);
      if (holder !== null) throw locked(dataDir, holder.pid);
      if (!(await removeStale(aside, path))) await delay(RETRY_MS);
    }
    throw locked(dataDir, 0);
  } finally {
    await rm(aside, { force: true });
  }
}

/** Gives the file a second name; false when that name is taken. */
async function claim(aside: string, path: string): Promise<boolean> {
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the lock of a process that is gone. Whoever removes holds a second lock meanwhile and looks again under it:
 * otherwise the slower of two would remove the quicker one's new lock. False when another process is at it.
 */
async function removeStale(aside: string, path: string): Promise<boolean> {
  const takeover = `${path}.takeover`;
  if (!(await claim(aside, takeover))) {
    // Its holder died within these few lines: the only case in which two might meet here.
    if ((await holderIn(takeover)) === null) await rm(takeover, { force: true });
    return false;
  }
  try {
    if ((await holderIn(path)) === null) await rm(path, { force: true });
    return true;
  } finally {
    await rm(takeover, { force: true });
  }
}

async function release(path: string, content: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => null)) === content) await rm(path, { force: true });
}

function locked(dataDir: string, pid: number): NodeError {
  const who = pid > 0 ? `process ${pid}` : 'another process';
  return new NodeError(
    'ERR_NODE_DATA_DIR_LOCKED',
    `${dataDir} is in use by ${who}. Stop it${pid > 0 ? ` (kill ${pid})` : ''}, or give this one a folder of its own with --data-dir.`,
    { kind: 'caller', meta: { dataDir, pid } },
  );
}
