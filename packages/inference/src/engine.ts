import { type Transferable, Worker } from 'node:worker_threads';
import { AppError, errorCode, type Logger, type PeerId, type Root, type Service } from '@blyan/interface';
import type { LaneInvitation } from '@blyan/p2p/lane';
import { InferenceError } from './errors.ts';
import type {
  CloseRequest,
  EngineStatus,
  EngineWorkerApi,
  ExpertsRequest,
  ExpertsResult,
  FromWorker,
  MainApi,
  OpenRequest,
  OpenResult,
  Operation,
  SampledToken,
  SampleRequest,
  SequenceUsage,
  StepRequest,
  StepResult,
  ToWorker,
  WarmRequest,
  WireError,
  WorkerOptions,
} from './messages.ts';
import type { ModelView } from './model-view.ts';
import { assertProvider } from './provider.ts';

// Beside the sources, or beside what a packed package was compiled to.
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export interface EngineDeps extends Pick<MainApi, 'acquire' | 'remote'>, Partial<Omit<MainApi, 'acquire' | 'remote'>> {
  readonly logger: Logger;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** The engine as the daemon sees it: every call is a message to the worker thread that computes. */
export class Engine implements Service {
  readonly #options: WorkerOptions;
  readonly #deps: EngineDeps;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #next = 0;

  constructor(options: WorkerOptions, deps: EngineDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** @throws InferenceError ERR_INFERENCE_PROVIDER when the provider cannot be used here. */
  async start(): Promise<void> {
    if (this.#worker) return;
    await assertProvider(this.#options.provider);
    const worker = new Worker(WORKER, { workerData: this.#options });
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => {
      this.#deps.logger.error('the engine worker failed', { code: errorCode(error), error: error.message });
    });
    worker.on('exit', () => {
      // Calls to a worker that is gone would wait for ever; one that was stopped may have a successor already.
      if (this.#worker === worker) this.#fail();
    });
    await this.status();
  }

  /** Ends the worker, also in the middle of a computation; what waits for it is refused. Idempotent. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#fail();
    await worker?.terminate();
  }

  loadModel(view: ModelView): Promise<void> {
    return this.#call('loadModel', view);
  }

  /** Forgets a model, unless a sequence of it is open (false). */
  unloadModel(root: Root): Promise<boolean> {
    return this.#call('unloadModel', root);
  }

  /**
   * Loads blocks ahead of their first use, so that it does not wait for them; those loaded already stay as they are.
   *
   * @returns false when half of the session cache is full: what answers need has the other half
   */
  warm(request: WarmRequest): Promise<boolean> {
    return this.#call('warm', request);
  }

  open(request: OpenRequest): Promise<OpenResult> {
    return this.#call('open', request);
  }

  /** Ends a sequence and frees its KV cache but the pages to keep; null when it was not open. */
  close(request: CloseRequest): Promise<SequenceUsage | null> {
    return this.#call('close', request);
  }

  /** Rows that have a buffer for themselves are handed over to the worker: their array is empty afterwards. */
  step(request: StepRequest): Promise<StepResult> {
    const { input } = request;
    return this.#call('step', request, input instanceof Float32Array && ownsBuffer(input) ? [input.buffer] : []);
  }

  embed(request: { modelRoot: Root; tokens: Uint32Array<ArrayBuffer> }): Promise<Float32Array<ArrayBuffer>> {
    return this.#call('embed', request);
  }

  /** The token behind each row. */
  sample(request: SampleRequest): Promise<readonly SampledToken[]> {
    return this.#call('sample', request);
  }

  experts(request: ExpertsRequest): Promise<ExpertsResult> {
    return this.#call('experts', request);
  }

  /** Ends the waiting for a row that a step or a draw was to take. */
  forgetRow(name: string): void {
    this.#call('forgetRow', name).catch(() => {});
  }

  inviteLane(peerId: PeerId): Promise<LaneInvitation> {
    return this.#call('inviteLane', peerId);
  }

  /** @throws P2pError ERR_P2P_UNREACHABLE */
  connectLane(request: Parameters<EngineWorkerApi['connectLane']>[0]): Promise<void> {
    return this.#call('connectLane', request);
  }

  closeLanes(peerId: PeerId): Promise<void> {
    return this.#call('closeLanes', peerId);
  }

  status(): Promise<EngineStatus> {
    return this.#call('status', undefined);
  }

  #call<Name extends Operation>(
    operation: Name,
    argument: Parameters<EngineWorkerApi[Name]>[0],
    transfer: readonly Transferable[] = [],
  ): Promise<Awaited<ReturnType<EngineWorkerApi[Name]>>> {
    return new Promise((resolve, reject) => {
      if (!this.#worker) return reject(stopped());
      const id = this.#next++;
      this.#worker.postMessage({ type: 'call', id, operation, argument } satisfies ToWorker, transfer);
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #receive(message: FromWorker): void {
    if (message.type === 'ask') {
      void this.#answer(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error) {
      const { code, message: text, kind, meta } = message.error;
      waiting?.reject(new AppError(code, text, { kind, meta }));
    } else waiting?.resolve(message.value as never);
  }

  async #answer({ id, operation, argument }: Extract<FromWorker, { type: 'ask' }>): Promise<void> {
    const reply = (answer: { value?: unknown; error?: WireError }) =>
      this.#worker?.postMessage({ type: 'answer', id, ...answer } satisfies ToWorker);
    try {
      reply({ value: await (this.#deps[operation] as (argument: never) => Promise<unknown>)(argument as never) });
    } catch (error) {
      const app = error instanceof AppError ? error : null;
      const message = error instanceof Error ? error.message : String(error);
      reply({ error: { code: errorCode(error), message, kind: app?.kind ?? 'internal', meta: app?.meta ?? {} } });
    }
  }

  #fail(): void {
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(stopped());
    this.#waiting.clear();
  }
}

/** Bytes of a frame's head, which may lie before rows in their buffer. */
const MOST_HEAD_BYTES = 64;

/** Whether rows have a buffer for themselves, a frame's head aside: then it can be handed over instead of copied. */
function ownsBuffer({ buffer, byteOffset, byteLength }: Float32Array): boolean {
  return byteOffset <= MOST_HEAD_BYTES && byteOffset + byteLength === buffer.byteLength;
}

function stopped(): InferenceError {
  return new InferenceError('ERR_INFERENCE_STOPPED', 'The engine has stopped; start the node again.');
}
