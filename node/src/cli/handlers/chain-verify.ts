import { type ChainReport, replayBlocks, verifyChain, verifySnapshots } from '@blyan/chain';
import { nodeSuite } from '@blyan/crypto';
import { FileBlobs } from '@blyan/store';
import { beginningOf, type ChainFolder, openChainFolder } from '../../chain/chain-folder.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { print, printable, printJson } from '../output.ts';
import { openProgress } from '../progress.ts';

/** Checks every byte of the store and everything the chain says, from the genesis on; exit code 1 when something is wrong. */
export const chainVerify: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const { signal } = context;
  await using folder = await openChainFolder(config.dataDir, context.pid, { checksFiles: true, signal });
  const progress = openProgress(context, 'verifying', (blocks) => `${blocks} blocks`);
  let report: ChainReport;
  try {
    report = await verified(folder, signal, (height, head) => progress.update(height, head));
  } finally {
    progress.stop();
  }
  const { damage } = report;
  if (input.options.json === true) printJson(context, report);
  else {
    for (const { key, what } of damage) print(context, `${printable(key)}: ${printable(what)}`);
    print(context, damage.length > 0 ? 'The chain is DAMAGED.' : summary(report));
  }
  return damage.length === 0 ? 0 : 1;
};

async function verified(
  folder: ChainFolder,
  signal: AbortSignal,
  progress: (height: number, head: number) => void,
): Promise<ChainReport> {
  const { genesis, store, repository } = folder;
  const other = otherNetwork(folder);
  if (other !== null) return { height: null, from: 1, executed: false, damage: [other] };
  const beginning = beginningOf(folder);
  const { epochBlocks } = genesis.genesis.protocol.chain;
  const execute = replayBlocks(beginning, nodeSuite);
  const options = { network: genesis.hash, genesis: beginning, epochBlocks, execute, signal, progress };
  const report = await verifyChain(options, { store, suite: nodeSuite });
  const blobs = new FileBlobs(folder.snapshots);
  const snapshots = await verifySnapshots(blobs, repository, { network: genesis.hash, suite: nodeSuite, signal });
  const damage = [...report.damage, ...snapshots.map(({ key, what }) => ({ key: `snapshots/${key}`, what }))];
  return { ...report, damage };
}

/** The store's files are sound: it is the genesis that is not the chain's. */
function otherNetwork({ repository, genesis }: ChainFolder): ChainReport['damage'][number] | null {
  if (repository.head() === null) return null;
  const network = repository.blockAt(0)?.block.header.network;
  if (network === genesis.hash) return null;
  return { key: 'genesis.cbor', what: `it is of network ${genesis.hash}, the chain beside it of ${network}` };
}

function summary({ height, from, executed }: ChainReport): string {
  if (height === null) return 'There is no chain here yet.';
  const sound = `The chain is sound up to height ${height}:`;
  if (executed) return `${sound} every block executed again.`;
  const what = from > height ? 'no records are here yet' : `records are here from block ${from} on and are sound`;
  return (
    `${sound} its state is the one that the newest block commits to, and the ends of all epochs lead to that block. ` +
    `Older blocks were pruned, or not fetched: ${what}; nothing was executed again.`
  );
}
