import { silentLogger, systemClock } from '@blyan/interface';
import { DoubleEntryLedger, SqliteStore } from '@blyan/ledger';
import { createGateway } from '../../src/index.ts';
import { ScriptedCoordinator, tokensOf } from '../scripted-coordinator.ts';

// A gateway over a ledger on disk, in a process of its own, which says its address on stdout. Ends with its parent.
const store = new SqliteStore({ path: process.argv[2] ?? '' });
const ledger = new DoubleEntryLedger({ store, clock: systemClock });
await ledger.start();
const coordinator = new ScriptedCoordinator();
coordinator.script = { tokens: tokensOf('a large natural stream of water') };
const gateway = createGateway({
  ...{ host: '127.0.0.1', port: 0, version: '0.1.0-test', webDir: '/nonexistent' },
  ...{ coordinator, ledger: { ledger, store }, logger: silentLogger },
});
await gateway.start();
process.on('disconnect', () => process.exit());
process.stdout.write(`${gateway.address()}\n`);
