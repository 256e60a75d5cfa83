import { parentPort, workerData } from 'node:worker_threads';
import { LedgerError, refusalOf } from '../errors.ts';
import type { StoreFaultPoint } from '../store.ts';
import { LedgerFile } from './ledger-file.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './worker-protocol.ts';

// The thread that waits for the disk, so that no stream of tokens does.
const { path, gate } = workerData as WorkerOptions;
const send = (message: FromWorker) => parentPort?.postMessage(message);

function stopAt(point: StoreFaultPoint): void {
  if (gate === null) return;
  const passed = new Int32Array(gate);
  const before = Atomics.load(passed, 0);
  send({ fault: point });
  Atomics.wait(passed, 0, before);
}

function answer(id: number, work: () => unknown): void {
  try {
    send({ id, value: work() });
  } catch (error) {
    if (error instanceof LedgerError) send({ id, refusal: refusalOf(error) });
    else send({ id, failure: (error as Error).message });
  }
}

let file: LedgerFile | undefined;
answer(0, () => {
  file = new LedgerFile({ path, fault: gate === null ? undefined : stopAt });
  return null;
});
parentPort?.on('message', (message: ToWorker | 'close') => {
  if (message === 'close') {
    file?.close();
    parentPort?.close();
    return;
  }
  const { id, method, args } = message;
  answer(id, () => (file?.[method] as (...args: unknown[]) => unknown).apply(file, [...args]));
});
