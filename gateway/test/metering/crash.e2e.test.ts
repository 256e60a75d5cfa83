import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { askUntilGone, type Seen } from '../../../scripts/drill/ledger/clients.ts';
import { DEFAULT_PRICE, judgeLedger } from '../../../scripts/drill/ledger/judge.ts';
import { FAULT_POINTS, type FaultPoint, randomOf } from '../../../scripts/drill/ledger/plan.ts';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A gateway that dies where it is told to; `npm run drill:ledger` does the same to one of a devnet, a hundred times. */
async function start(dir: string, point: FaultPoint | null, pass: number) {
  const plan = join(dir, 'plan.json');
  await writeFile(plan, JSON.stringify(point === null ? null : { point, pass, mark: join(dir, 'died') }));
  const args = ['--import', file('../../../scripts/drill/ledger/die.ts'), file('gateway-process.ts')];
  const child = spawn(process.execPath, [...args, join(dir, 'ledger.db')], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, BLYAN_DRILL_PLAN: plan },
  });
  const exited = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  const { value: url } = await lines(child).next();
  return { url: String(url), exited };
}

function lines(child: ChildProcess): AsyncIterator<string> {
  return createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
}

test('a gateway that is killed in the middle of answers leaves sound books, and each post is the tokens of its answer', async () => {
  const dir = await temporaryDirectory();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const seen: Seen[] = [];
  const random = randomOf(7);
  for (const point of FAULT_POINTS) {
    const { url, exited } = await start(dir.path, point, 9);
    seen.push(...(await askUntilGone({ url, model: 'golden', clients: 4, maxTokens: 20, random })));
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect(await readFile(join(dir.path, 'died'), 'utf8')).toBe(point);
    await rm(join(dir.path, 'died'));
  }
  await start(dir.path, null, 0);
  const judged = judgeLedger(join(dir.path, 'ledger.db'), seen, DEFAULT_PRICE);
  expect(judged.problems).toEqual([]);
  expect(judged.posted).toBeGreaterThan(10);
  expect(judged.voided).toBeGreaterThan(2);
  expect(seen.filter(({ usage }) => usage !== null).length).toBeGreaterThan(10);
});
