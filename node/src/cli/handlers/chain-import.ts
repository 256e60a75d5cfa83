import { resolve } from 'node:path';
import { ChainApplication, type RecordSource } from '@blyan/chain';
import { verifyCertificate } from '@blyan/chain-format';
import { nodeSuite } from '@blyan/crypto';
import { errorCode } from '@blyan/interface';
import { openChainFile } from '../../chain/chain-file.ts';
import { openChainFolder } from '../../chain/chain-folder.ts';
import { NodeError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson, say } from '../output.ts';

/** Nothing waits here: all records are in the file. */
const NO_RECORDS: RecordSource = { hasReady: false, get: () => undefined, candidates: () => [], park: () => undefined };

/** Executes the blocks of a file on top of the folder's chain; every one is checked as if a peer had sent it. */
export const chainImport: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const path = resolve(context.cwd, input.args[0] as string);
  await using folder = await openChainFolder(config.dataDir, context.pid);
  const { genesis, store } = folder;
  await using file = await openChainFile(path);
  if (file.network !== genesis.hash) {
    const message = `${path} is of network ${file.network}, the data folder of ${genesis.hash}.`;
    throw new NodeError('ERR_NODE_WRONG_NETWORK', message, { kind: 'caller' });
  }
  const application = await ChainApplication.open({ genesis }, { store, records: NO_RECORDS, suite: nodeSuite });
  const before = application.head.header.height;
  let uncertified: number | null = null;
  for await (const { block, certificate, records } of file.blocks()) {
    context.signal.throwIfAborted();
    const { height } = block.header;
    if (height <= application.head.header.height) continue;
    application.addRecords(records);
    const judgement = application.judge(block, Math.max(Date.now(), block.header.timeMs));
    if (judgement.verdict !== 'valid')
      throw refused(path, height, 'code' in judgement ? judgement.code : judgement.verdict);
    uncertified = certificate === null ? height : null;
    if (certificate === null) continue;
    if (certificate.block !== block.hash || certificate.kind !== 'finalise')
      throw refused(path, height, 'its certificate is for another block');
    try {
      verifyCertificate(certificate, application.rules.validators, genesis.hash, nodeSuite);
    } catch (error) {
      throw refused(path, height, errorCode(error));
    }
    await store.write(application.commit(block.hash, certificate), { sync: height % 64 === 0 });
  }
  await store.write([], { sync: true });
  if (uncertified !== null) throw refused(path, uncertified, 'no certificate for it follows');
  const { height } = application.head.header;
  if (input.options.json === true) return printJson(context, { height, imported: height - before });
  say(context, `${height - before} blocks were taken in; the chain is at height ${height}.`);
};

function refused(path: string, height: number, code: string): NodeError {
  const message = `Block ${height} of ${path} is refused (${code}). What came before is kept.`;
  return new NodeError('ERR_NODE_CHAIN_FILE', message, { kind: 'caller', meta: { height, code } });
}
