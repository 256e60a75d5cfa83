import { access } from 'node:fs/promises';
import { BlockRepository, type BuiltGenesis, type Genesis, genesisBlock } from '@blyan/chain';
import { nodeSuite, sha256, toHex } from '@blyan/crypto';
import { errorCode } from '@blyan/interface';
import { checkLevelFiles, LevelStore } from '@blyan/store';
import { openDataDir } from '../data-dir/data-dir.ts';
import { readGenesis, readGenesisFile } from '../data-dir/genesis-file.ts';
import { NodeError } from '../errors.ts';

/** The chain of a data folder that no daemon runs on. */
export interface ChainFolder extends AsyncDisposable {
  readonly genesis: BuiltGenesis;
  readonly store: LevelStore;
  readonly repository: BlockRepository;
  /** Where snapshots are kept. */
  readonly snapshots: string;
}

export interface OpenFolderOptions {
  /** Looks at every byte of the store's files before it is opened. */
  readonly checksFiles?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Takes the folder's lock and opens its chain.
 * @throws ERR_NODE_DATA_DIR_LOCKED while a daemon runs on it, ERR_NODE_MISSING_FILE without a network, ERR_NODE_CHAIN_DAMAGED
 *   naming the files, ERR_STORE_CORRUPT
 */
export async function openChainFolder(
  dataDir: string,
  pid: number,
  { checksFiles = false, signal }: OpenFolderOptions = {},
): Promise<ChainFolder> {
  const folder = await openDataDir(dataDir, pid);
  try {
    const bytes = await readGenesisFile(folder.genesis);
    if (bytes === null) {
      const message = `${dataDir} belongs to no network yet: start a node on it, or put a genesis.cbor there.`;
      throw new NodeError('ERR_NODE_MISSING_FILE', message, { kind: 'caller' });
    }
    const genesis = { genesis: genesisOf(bytes, folder.genesis), bytes, hash: toHex(sha256(bytes)) };
    if (checksFiles && (await exists(folder.chain))) await assertFiles(folder.chain, signal);
    const store = await LevelStore.open({ dir: folder.chain });
    return {
      genesis,
      store,
      repository: new BlockRepository(store, nodeSuite),
      snapshots: folder.snapshots,
      async [Symbol.asyncDispose]() {
        await store.close();
        await folder.close();
      },
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** Its block 0, with the state after it and the first validators. */
export function beginningOf({ genesis }: ChainFolder) {
  return genesisBlock(genesis, nodeSuite);
}

function genesisOf(bytes: Uint8Array, path: string): Genesis {
  try {
    return readGenesis(bytes, path);
  } catch (cause) {
    if (errorCode(cause) !== 'ERR_CHAIN_GENESIS_BYTES') throw cause;
    const message = `${path} is damaged: ${(cause as Error).message} Copy it from another node of the network.`;
    throw new NodeError('ERR_NODE_CHAIN_DAMAGED', message, { cause, meta: { files: [path] } });
  }
}

async function assertFiles(dir: string, signal: AbortSignal | undefined): Promise<void> {
  const damage = await checkLevelFiles(dir, signal);
  if (damage.length === 0) return;
  const list = damage.map(({ file, offset, what }) => `${file} at byte ${offset}: ${what}`).join('; ');
  const message = `${dir} is damaged: ${list}. Move the folder away: the node fetches the chain from its peers again.`;
  throw new NodeError('ERR_NODE_CHAIN_DAMAGED', message, { meta: { files: damage.map(({ file }) => file) } });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
