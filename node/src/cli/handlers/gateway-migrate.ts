import { mkdir } from 'node:fs/promises';
import { LedgerFile, type MigrationStep, PostgresStore } from '@blyan/ledger';
import type { NodeConfig } from '../../config/node-config.ts';
import { redactUrl } from '../../config/redact.ts';
import { dataDirError, dataDirPaths } from '../../data-dir/data-dir.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { print, printJson, table } from '../output.ts';

/**
 * Makes or migrates the ledger of the configuration, all steps or none. Gateways do the same when they start; this is for those
 * who want to see it done before, or whose gateways may not change tables.
 *
 * @throws LedgerError ERR_LEDGER_MIGRATION when the ledger is of a newer program or its steps are others, ERR_LEDGER_UNAVAILABLE
 */
export const gatewayMigrate: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const { ledger, migrations } = await migrated(config);
  if (input.options.json === true) return printJson(context, { ledger, migrations });
  const rows = migrations.map(({ number, name, isNew }) => [String(number), isNew ? 'done now' : 'done before', name]);
  print(context, `${ledger}\n${table([['STEP', 'WHEN', 'WHAT'], ...rows])}`);
};

async function migrated({
  ledger,
  dataDir,
}: NodeConfig): Promise<{ readonly ledger: string; readonly migrations: readonly MigrationStep[] }> {
  if (ledger !== undefined) {
    const store = new PostgresStore({ url: ledger });
    await store.open();
    await store.close();
    return { ledger: redactUrl(ledger), migrations: store.migrations };
  }
  await mkdir(dataDir, { recursive: true }).catch((error) => {
    throw dataDirError(dataDir, error);
  });
  const path = dataDirPaths(dataDir).ledger;
  using file = new LedgerFile({ path });
  return { ledger: path, migrations: file.migrations };
}
