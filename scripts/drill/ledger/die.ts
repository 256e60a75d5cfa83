import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';
import { DoubleEntryLedger } from '@blyan/ledger';
import type { Plan } from './plan.ts';

// Loaded into a gateway with --import, also into its threads. Kills the process (SIGKILL) when it reaches a point of an answer's
// life in the ledger for the n-th time. All else about the gateway is as it always is.

const path = process.env.BLYAN_DRILL_PLAN;
const plan: Plan | null = path === undefined ? null : JSON.parse(readFileSync(path, 'utf8'));
let passed = 0;

function reach(point: Plan['point']): void {
  if (plan?.point !== point || ++passed < plan.pass) return;
  writeFileSync(plan.mark, point);
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way: not one more byte is written.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

if (isMainThread) {
  const { reserve, post } = DoubleEntryLedger.prototype;
  DoubleEntryLedger.prototype.reserve = async function (request) {
    const entry = await reserve.call(this, request);
    reach('after-reserve');
    return entry;
  };
  DoubleEntryLedger.prototype.post = function (request) {
    reach('before-post');
    return post.call(this, request);
  };
} else {
  // The ledger's own thread: the entry is in the transaction, its reservation and the head of the journal are not.
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function (sql, ...rest) {
    const statement = prepare.call(this, sql, ...rest);
    if (!sql.startsWith('INSERT INTO entry ')) return statement;
    const run = statement.run.bind(statement) as (...values: readonly unknown[]) => ReturnType<typeof statement.run>;
    return Object.assign(statement, {
      run: (...values: readonly unknown[]) => {
        const result = run(...values);
        const [, type] = values;
        if (type === 'reserve' || type === 'post') reach('mid-batch');
        return result;
      },
    });
  };
}
