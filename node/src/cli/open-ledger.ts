import { existsSync } from 'node:fs';
import { LedgerFile, type LedgerStore, PostgresStore, SqliteStore } from '@blyan/ledger';
import type { CommandInput } from './command.ts';
import type { CliContext } from './context.ts';
import { findLedger } from './find-gateway.ts';
import { loadCommandConfig } from './load-command-config.ts';

/** What is asked of a ledger that is only read; a file answers at once. */
export interface LedgerReader extends AsyncDisposable {
  trialBalance(): ReturnType<LedgerStore['trialBalance']>;
  verify(): ReturnType<LedgerStore['verify']>;
}

/**
 * The ledger of the configuration, beside the gateways that write to it: the database it names, or the file of the data folder.
 *
 * @throws LedgerError ERR_LEDGER_MISSING, ERR_LEDGER_MIGRATION, ERR_LEDGER_UNAVAILABLE
 */
export async function openLedgerToRead(context: CliContext, input: CommandInput): Promise<LedgerReader> {
  const { config } = await loadCommandConfig(context, input);
  if (config.ledger === undefined) {
    const file = new LedgerFile({ path: await findLedger(context, input), readOnly: true });
    return {
      trialBalance: async () => file.trialBalance(),
      verify: async () => file.verify(),
      [Symbol.asyncDispose]: async () => file.close(),
    };
  }
  const store = new PostgresStore({ url: config.ledger, readOnly: true });
  await store.open();
  return {
    trialBalance: () => store.trialBalance(),
    verify: () => store.verify(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/**
 * The same to be written to: a file too has one writer at a time, whoever it is. Not open yet.
 *
 * @throws LedgerError ERR_LEDGER_MISSING
 */
export async function findLedgerStore(context: CliContext, input: CommandInput): Promise<LedgerStore> {
  const { config } = await loadCommandConfig(context, input);
  if (config.ledger !== undefined) return new PostgresStore({ url: config.ledger });
  const path = await findLedger(context, input);
  if (!existsSync(path)) new LedgerFile({ path, readOnly: true }).close();
  return new SqliteStore({ path });
}
