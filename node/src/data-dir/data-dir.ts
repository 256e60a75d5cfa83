import { constants } from 'node:fs';
import { access, chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '@blyan/interface';
import { NodeError } from '../errors.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { acquireLock, type DataDirLock } from './lock.ts';

/** Version of the folder's layout; a newer one is refused, never rewritten. */
const LAYOUT_VERSION = 1;

/** The paths inside a data directory. */
export interface DataDirPaths {
  readonly root: string;
  readonly blocks: string;
  /** 0700. */
  readonly keys: string;
  readonly nodeKey: string;
  readonly run: string;
  readonly genesis: string;
  /** The chain's store. */
  readonly chain: string;
  /** The chain's snapshots. */
  readonly snapshots: string;
  /** The gateway's store of sessions and API keys. */
  readonly accounts: string;
  /** The gateway's ledger, a file. */
  readonly ledger: string;
  /** What the gateway has to tell its ledger, a file. */
  readonly unsettled: string;
}

export interface DataDir extends DataDirPaths, AsyncDisposable {
  /** Releases the lock; idempotent. */
  close(): Promise<void>;
}

export function dataDirPaths(root: string): DataDirPaths {
  return {
    root,
    blocks: join(root, 'blocks'),
    keys: join(root, 'keys'),
    nodeKey: join(root, 'keys', 'node.key'),
    run: join(root, 'run'),
    genesis: join(root, 'genesis.cbor'),
    chain: join(root, 'chain'),
    snapshots: join(root, 'snapshots'),
    accounts: join(root, 'accounts'),
    ledger: join(root, 'ledger.db'),
    unsettled: join(root, 'unsettled.jsonl'),
  };
}

/** A sentence for what the file system refused. */
export function dataDirError(root: string, error: unknown): NodeError {
  if (error instanceof NodeError) return error;
  const reasons: Record<string, string> = {
    EACCES: 'this user may not write there. Change its owner or permissions',
    EPERM: 'this user may not write there. Change its owner or permissions',
    EROFS: 'its file system is mounted read-only',
    ENOSPC: 'its disk is full. Free some space',
    EDQUOT: 'the disk quota is used up. Free some space',
    ENOTDIR: 'a part of the path is a file, not a folder',
    EEXIST: 'a file stands where a folder is needed',
  };
  const reason = reasons[errorCode(error)] ?? `the system answers ${errorCode(error)}`;
  return new NodeError(
    'ERR_NODE_DATA_DIR',
    `The data folder ${root} cannot be used: ${reason}, or choose another folder with --data-dir.`,
    { kind: 'caller', cause: error, meta: { dataDir: root } },
  );
}

async function checkVersion(root: string): Promise<void> {
  const path = join(root, 'VERSION');
  const text = await readFile(path, 'utf8').catch((error) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return await writeFileAtomic(path, `${LAYOUT_VERSION}\n`, 0o644);
  if (text.trim() !== String(LAYOUT_VERSION)) {
    throw new NodeError(
      'ERR_NODE_DATA_DIR',
      `${root} has layout version "${text.trim().slice(0, 16)}" and this program knows ${LAYOUT_VERSION}. ` +
        'Use the program that wrote it, or choose another folder with --data-dir.',
      { kind: 'caller', meta: { dataDir: root } },
    );
  }
}

/**
 * Opens a data directory for this process alone: makes what is missing, checks that it can be written, takes the lock.
 * @throws ERR_NODE_DATA_DIR when it cannot be used, ERR_NODE_DATA_DIR_LOCKED when another process has it
 */
export async function openDataDir(root: string, pid: number): Promise<DataDir> {
  const paths = dataDirPaths(root);
  let lock: DataDirLock | undefined;
  try {
    await mkdir(root, { recursive: true });
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
    lock = await acquireLock(root, pid);
    await checkVersion(root);
    await mkdir(paths.blocks, { recursive: true });
    await mkdir(paths.run, { recursive: true, mode: 0o700 });
    await mkdir(paths.keys, { recursive: true, mode: 0o700 });
    await chmod(paths.keys, 0o700);
    const held = lock;
    const close = () => held.release();
    return { ...paths, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await lock?.release();
    throw dataDirError(root, error);
  }
}
