import { type FileHandle, open, unlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { encodeCertificate, encodeOutline } from '@blyan/chain-format';
import { errorCode } from '@blyan/interface';
import { chainFileHead, chainFrame } from '../../chain/chain-file.ts';
import { type ChainFolder, openChainFolder } from '../../chain/chain-folder.ts';
import { NodeError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson, say } from '../output.ts';
import { openProgress } from '../progress.ts';

/** Writes all final blocks with their records to a new file; a pruned chain cannot be given away whole. */
export const chainExport: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const path = resolve(context.cwd, input.args[0] as string);
  await using folder = await openChainFolder(config.dataDir, context.pid);
  const { repository, genesis } = folder;
  const height = repository.head()?.height ?? 0;
  await using file = await open(path, 'wx').catch((cause) => {
    const why = errorCode(cause) === 'EEXIST' ? 'exists already; name a new file' : 'cannot be written';
    throw new NodeError('ERR_NODE_CHAIN_FILE', `${path} ${why}.`, { kind: 'caller', cause });
  });
  const progress = openProgress(context, 'exporting', (blocks) => `${blocks} blocks`);
  try {
    await writeBlocks(folder, file, height, context.signal, (done) => progress.update(done, height));
  } catch (error) {
    // Half a chain is none, and its name is free for the next try.
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    progress.stop();
  }
  if (input.options.json === true) return printJson(context, { path, height, networkId: genesis.hash });
  say(context, `${height} blocks are in ${path}.`);
};

async function writeBlocks(
  { repository, genesis }: ChainFolder,
  file: FileHandle,
  height: number,
  signal: AbortSignal,
  progress: (done: number) => void,
): Promise<void> {
  await file.write(chainFileHead(genesis.hash));
  for (let at = 1; at <= height; at++) {
    signal.throwIfAborted();
    const stored = at < repository.prunedBelow() ? null : repository.blockAt(at);
    const records = stored?.block.recordHashes.map((hash) => repository.recordBytes(hash)) ?? [null];
    if (stored === null || records.includes(null)) {
      const message = `Block ${at} is not here whole: this node was pruned, or began from a snapshot. Export from a node that keeps all.`;
      throw new NodeError('ERR_NODE_CHAIN_FILE', message, { kind: 'caller', meta: { height: at } });
    }
    const { certificate } = stored;
    const outline = encodeOutline(stored.block);
    const certified = certificate && encodeCertificate(certificate);
    await file.write(chainFrame({ outline, certificate: certified, records: records as Uint8Array[] }));
    if (at % 256 === 0) progress(at);
  }
  await file.sync();
}
