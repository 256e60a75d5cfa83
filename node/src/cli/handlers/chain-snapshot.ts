import { SnapshotShelf } from '@blyan/chain';
import { nodeSuite } from '@blyan/crypto';
import { FileBlobs } from '@blyan/store';
import { openChainFolder } from '../../chain/chain-folder.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { print, printJson } from '../output.ts';

/** Takes a snapshot where the head ends an epoch, and lists those that are kept. */
export const chainSnapshot: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  await using folder = await openChainFolder(config.dataDir, context.pid);
  const { genesis, store, repository, snapshots } = folder;
  const { epochBlocks } = genesis.genesis.protocol.chain;
  const options = { network: genesis.hash, epochBlocks };
  const shelf = new SnapshotShelf(options, { store, blobs: new FileBlobs(snapshots), suite: nodeSuite });
  const height = repository.head()?.height ?? 0;
  const endsEpoch = height > 0 && height % epochBlocks === 0;
  if (endsEpoch && !(await shelf.heights()).includes(height)) await shelf.take(store.snapshot(), context.signal);
  const heights = await shelf.heights();
  const next = (Math.floor(height / epochBlocks) + 1) * epochBlocks;
  if (input.options.json === true) return printJson(context, { heights, next });
  print(context, heights.length === 0 ? 'no snapshots' : `snapshots at heights ${heights.join(', ')}`);
  if (!endsEpoch) print(context, `An epoch ends at height ${next}: the node takes the next one then.`);
};
