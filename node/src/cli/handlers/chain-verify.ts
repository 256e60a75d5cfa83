import { replayBlocks, verifyChain } from '@blyan/chain';
import { nodeSuite } from '@blyan/crypto';
import { beginningOf, openChainFolder } from '../../chain/chain-folder.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { print, printable, printJson } from '../output.ts';

/** Checks every byte of the store and everything the chain says, from the genesis on; exit code 1 when something is wrong. */
export const chainVerify: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const { signal } = context;
  await using folder = await openChainFolder(config.dataDir, context.pid, { checksFiles: true, signal });
  const { genesis, store } = folder;
  const beginning = beginningOf(folder);
  const { epochBlocks } = genesis.genesis.protocol.chain;
  const execute = replayBlocks(beginning, nodeSuite);
  const options = { network: genesis.hash, genesis: beginning, epochBlocks, execute, signal };
  const report = await verifyChain(options, { store, suite: nodeSuite });
  if (input.options.json === true) printJson(context, report);
  else {
    for (const { key, what } of report.damage) print(context, `${printable(key)}: ${printable(what)}`);
    const how = report.executed ? 'every block executed again' : 'what is here, without executing it again';
    const sound = report.damage.length === 0 ? `sound up to height ${report.height}: ${how}` : 'DAMAGED';
    print(context, report.height === null ? 'There is no chain here yet.' : `The chain is ${sound}.`);
  }
  return report.damage.length === 0 ? 0 : 1;
};
