import { join } from 'node:path';
import { systemClock } from '@blyan/interface';
import { DoubleEntryLedger, type LedgerStore, PostgresStore, SqliteStore } from '@blyan/ledger';
import { temporaryDirectory } from '@blyan/testkit';
import { hasPostgres, startPostgres } from '@blyan/testkit/services';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureSync } from '../limits/sync-ms.ts';
import { median } from '../stats.ts';

const AT_ONCE = 256;
const RACERS = 150;
const PRIZE = 100;
const SYNCS = 50;

export const ledger: Benchmark = {
  name: 'ledger',
  about:
    'Pairs of reserve and post a second, one after the other and 256 answers at once, on node:sqlite and on PostgreSQL (also of ' +
    'two gateways). The limit is one that syncs once for each request: 1000 / (2 x milliseconds of a synced append to this disk, ' +
    'measured beside). What comes together shares a sync. 150 transfers race for 100: exactly 100 must get one.',
  async run(context) {
    await using folder = await temporaryDirectory('blyan-bench-ledger-');
    const sqlite = () => new SqliteStore({ path: join(folder.path, 'ledger.db') });
    await measureStore({ name: 'sqlite', gateways: 1, makeStore: sqlite, dir: folder.path }, context);
    if (!hasPostgres) {
      context.say('no PostgreSQL here: apt-get install postgresql');
      return;
    }
    for (const gateways of [1, 2]) {
      await using server = await startPostgres();
      const makeStore = () => new PostgresStore({ url: server.url });
      const name = gateways === 1 ? 'postgres' : 'postgres-two';
      await measureStore({ name, gateways, makeStore, dir: folder.path }, context);
    }
  },
};

interface Place {
  readonly name: string;
  readonly gateways: number;
  readonly makeStore: () => LedgerStore;
  /** On the disk that is measured. */
  readonly dir: string;
}

async function measureStore({ name, gateways, makeStore, dir }: Place, { quick, report, signal }: BenchRun) {
  const stores = Array.from({ length: gateways }, makeStore);
  const ledgers = stores.map((store) => new DoubleEntryLedger({ store, clock: systemClock }));
  const [first] = ledgers as [DoubleEntryLedger];
  const [store] = stores as [LedgerStore];
  await Promise.all(ledgers.map((one) => one.start(signal)));
  try {
    await Promise.all([
      first.openAccount({ id: 'guest', kind: 'guest', asset: 'credit' }),
      first.openAccount({ id: 'racer', kind: 'user', asset: 'credit' }),
      first.openAccount({ id: 'shop', kind: 'revenue', asset: 'credit' }),
      first.transfer({ key: 'prize', debit: 'guest', credit: 'racer', amount: BigInt(PRIZE) }),
    ]);
    const forMs = quick ? 1_000 : 4_000;
    for (const atOnce of gateways === 1 ? [1, AT_ONCE] : [AT_ONCE]) {
      const syncs = [syncMs(dir)];
      const rate = await pairsPerSecond(ledgers, atOnce, forMs, signal);
      syncs.push(syncMs(dir));
      const limit = 1000 / (2 * median(syncs));
      const note = `synced append ${median(syncs).toPrecision(3)} ms`;
      report(figure(`ledger.${name}-${atOnce}`, rate, 'pairs/s', { limit, against: 'a sync for each request', note }));
    }
    const started = performance.now();
    const results = await Promise.allSettled(
      Array.from({ length: RACERS }, (_, at) =>
        (ledgers[at % gateways] as DoubleEntryLedger).transfer({
          ...{ key: `race-${at}`, debit: 'racer', credit: 'shop', amount: 1n },
        }),
      ),
    );
    const tookMs = performance.now() - started;
    const won = results.filter(({ status }) => status === 'fulfilled').length;
    if (won !== PRIZE) throw new Error(`${name}: ${won} of ${RACERS} transfers got one of ${PRIZE}`);
    const note = `${RACERS} at once, ${won} got one of ${PRIZE}`;
    report(figure(`ledger.${name}-races`, tookMs, 'ms', { note }));
    const { broken } = await store.verify();
    const isBalanced = (await store.trialBalance()).every(({ debits, credits }) => debits === credits);
    if (broken !== null || !isBalanced) throw new Error(`${name}: ${broken?.reason ?? 'the books are not balanced'}`);
  } finally {
    await Promise.all(ledgers.map((one) => one.stop()));
  }
}

/** Answers one behind the other in `atOnce` lines, shared out over the ledgers. */
async function pairsPerSecond(
  ledgers: readonly DoubleEntryLedger[],
  atOnce: number,
  forMs: number,
  signal: AbortSignal,
): Promise<number> {
  let pairs = 0;
  const started = performance.now();
  const lines = Array.from({ length: atOnce }, async (_, line) => {
    const one = ledgers[line % ledgers.length] as DoubleEntryLedger;
    for (let at = 0; performance.now() - started < forMs; at++) {
      signal.throwIfAborted();
      const key = `${atOnce}-${line}-${at}`;
      await one.reserve({ key, debit: 'guest', credit: 'shop', amount: 1_000n, timeoutMs: 60_000, reference: key });
      await one.post({ key: `end/${key}`, reservation: key, amount: 900n });
      pairs += 1;
    }
  });
  await Promise.all(lines);
  return (pairs * 1000) / (performance.now() - started);
}

function syncMs(dir: string): number {
  return median(Array.from({ length: SYNCS }, () => measureSync(dir)));
}
