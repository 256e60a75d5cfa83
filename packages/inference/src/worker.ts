import { parentPort, receiveMessageOnPort, type Transferable, workerData } from 'node:worker_threads';
import { AppError, errorCode, type PeerId, type Root } from '@blyan/interface';
import { Lanes } from '@blyan/p2p/lane';
import { MAX_FRAME_BYTES } from '@blyan/params';
import { EngineCore } from './engine-core.ts';
import type {
  CloseRequest,
  EngineWorkerApi,
  ExpertsRequest,
  FromWorker,
  MainApi,
  OpenRequest,
  Operation,
  SampleRequest,
  StepRequest,
  ToWorker,
  WarmRequest,
  WireError,
  WorkerOptions,
} from './messages.ts';
import type { ModelView } from './model-view.ts';
import { RowLanes } from './row-lanes.ts';

// The engine's thread: ONNX Runtime blocks it while it computes, so that the daemon's own loop stays free.

if (!parentPort) throw new Error('worker.ts runs as a worker thread');
const port = parentPort;

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
    port.postMessage({ type: 'ask', id, operation, argument } satisfies FromWorker, transfer);
  }) as ReturnType<MainApi[Name]>;
}

/** Without an interest in the answer. */
function tell<Name extends keyof MainApi>(operation: Name, argument: Parameters<MainApi[Name]>[0]): void {
  (ask(operation, argument) as Promise<unknown>).catch(() => {});
}

/** Rows of one lane that wait to be computed: short steps of other answers must not wait behind a long prompt's. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024;

const options = workerData as WorkerOptions;
const lanes = new Lanes(
  {
    host: options.laneHost ?? '127.0.0.1',
    maxMessageBytes: MAX_FRAME_BYTES,
    maxUndoneBytes: MAX_WAITING_BYTES,
  },
  {
    onOpen: (peerId, lane) => tell('laneOpened', { peerId, lane }),
    onMessage: (peerId, lane, body) => {
      // What the main thread has said by now goes before what the network brings.
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
        hear(next.message as ToWorker);
      return rows.receive(peerId, lane, body);
    },
    onClose: (peerId, lane, fault) => tell('laneClosed', { peerId, lane, fault }),
  },
);
const rows = new RowLanes({
  send: (lane, parts) => lanes.send(lane, parts),
  pass: (frame) => ask('frame', frame, [frame.body.buffer]),
});
const core = new EngineCore(options, {
  source: { acquire: (root) => ask('acquire', root) },
  remote: (sequences, call) => ask('remote', { sequences, call }, [call.rows.buffer]),
  lanes: rows,
});
const operations: { readonly [name in Operation]: (argument: never) => unknown } = {
  loadModel: (view: ModelView) => core.loadModel(view),
  unloadModel: (root: Root) => core.unloadModel(root),
  warm: (request: WarmRequest) => core.warm(request),
  open: (request: OpenRequest) => core.open(request),
  close: (request: CloseRequest) => core.close(request),
  step: (request: StepRequest) => core.step(request),
  embed: (request: Parameters<EngineCore['embed']>[0]) => core.embed(request),
  sample: (request: SampleRequest) => core.sample(request),
  experts: (request: ExpertsRequest) => core.experts(request),
  status: () => core.status(),
  forgetRow: (name: string) => rows.forget(name),
  inviteLane: (peerId: PeerId) => lanes.invite(peerId),
  connectLane: (request: Parameters<EngineWorkerApi['connectLane']>[0]) => lanes.connect(request),
  closeLanes: (peerId: PeerId) => lanes.close(peerId),
};

port.on('message', hear);

function hear(message: ToWorker): void {
  if (message.type === 'answer') {
    const waiting = asked.get(message.id);
    asked.delete(message.id);
    if (message.error) waiting?.reject(fromWire(message.error));
    else waiting?.resolve(message.value as never);
  } else void answer(message);
}

async function answer({ id, operation, argument }: Extract<ToWorker, { type: 'call' }>): Promise<void> {
  try {
    // The argument's type follows from the operation at the one place that sends it, `Engine`.
    const value: unknown = await operations[operation](argument as never);
    port.postMessage({ type: 'result', id, value } satisfies FromWorker, buffersOf(value));
  } catch (error) {
    port.postMessage({ type: 'result', id, error: toWire(error) } satisfies FromWorker);
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
