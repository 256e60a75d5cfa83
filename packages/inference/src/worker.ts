import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { AppError, errorCode } from '@blyan/interface';
import { EngineCore } from './engine-core.ts';
import type { FromWorker, MainApi, ToWorker, WireError, WorkerOptions } from './messages.ts';

// The engine's thread: ONNX Runtime blocks it while it computes, so that the daemon's own loop stays free.

const port = parentPort;
if (!port) throw new Error('worker.ts runs as a worker thread');

const asked = new Map<number, { resolve: (value: never) => void; reject: (error: unknown) => void }>();
let nextAsk = 0;

function ask<Name extends keyof MainApi>(
  operation: Name,
  argument: Parameters<MainApi[Name]>[0],
  transfer: Transferable[] = [],
): ReturnType<MainApi[Name]> {
  return new Promise((resolve, reject) => {
    const id = nextAsk++;
    asked.set(id, { resolve, reject });
    port?.postMessage({ type: 'ask', id, operation, argument } satisfies FromWorker, transfer);
  }) as ReturnType<MainApi[Name]>;
}

const core = new EngineCore(workerData as WorkerOptions, {
  source: { acquire: (root) => ask('acquire', root) },
  remote: (sequences, call) => ask('remote', { sequences, call }, [call.rows.buffer]),
});

port.on('message', (message: ToWorker) => {
  if (message.type === 'answer') {
    const waiting = asked.get(message.id);
    asked.delete(message.id);
    if (message.error) waiting?.reject(fromWire(message.error));
    else waiting?.resolve(message.value as never);
  } else void answer(message);
});

async function answer({ id, operation, argument }: Extract<ToWorker, { type: 'call' }>): Promise<void> {
  try {
    // The argument's type follows from the operation at the one place that sends it, `Engine`.
    const value: unknown = await (core[operation] as (argument: never) => unknown)(argument as never);
    port?.postMessage({ type: 'result', id, value } satisfies FromWorker, buffersOf(value));
  } catch (error) {
    port?.postMessage({ type: 'result', id, error: toWire(error) } satisfies FromWorker);
  }
}

function buffersOf(value: unknown): Transferable[] {
  if (value instanceof Float32Array) return [value.buffer as ArrayBuffer];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((part) => (part instanceof Float32Array ? [part.buffer as ArrayBuffer] : []));
}

function toWire(error: unknown): WireError {
  const app = error instanceof AppError ? error : null;
  return {
    code: errorCode(error) === 'ERR_UNKNOWN' ? 'ERR_INFERENCE_RUNTIME' : errorCode(error),
    message: error instanceof Error ? error.message : String(error),
    kind: app?.kind ?? 'internal',
    meta: app?.meta ?? {},
  };
}

function fromWire(error: WireError): AppError {
  return new AppError(error.code, error.message, { kind: error.kind, meta: error.meta });
}
