import { AppError, type ErrorKind, errorCode, type PeerId } from '@blyan/interface';
import type { PeerProtocol } from '@blyan/p2p';
import { decodePlan, type Plan, planBytes, verifyPlan } from '@blyan/routing';
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import { InferenceError } from '../errors.ts';
import type { LaneName, SampledToken, SampleRequest } from '../messages.ts';
import {
  decodeExperts,
  decodeOutput,
  decodeStepHead,
  encodeOutput,
  encodeStep,
  RESULT,
  type StepFrame,
  sequenceId,
  stepRows,
} from '../wire.ts';
import { CLOSE_TIMEOUT_MS, OPEN_TIMEOUT_MS, REPLAY_TIMEOUT_MS, ROW_TIMEOUT_MS } from './deadlines.ts';
import { KnownRequests } from './known-requests.ts';
import type { StageOpening } from './open-stage.ts';
import type { PeerBlame } from './peer-blame.ts';
import type { ResultInbox } from './result-inbox.ts';
import {
  closeSchema,
  embedSchema,
  failSchema,
  type Opened,
  openedSchema,
  openSchema,
  replayedSchema,
  replaySchema,
  type StageStatus,
  type StageUsage,
  sampledRowsSchema,
  sampleSchema,
  stageStatusSchema,
  statusSchema,
  usageSchema,
} from './schemas.ts';
import type { StageHost } from './stage-host.ts';
import type { StageFailure, StagePort, StageResult } from './stage-port.ts';

const nothing = z.null();
/** JSON of the most token ids a request may have. */
const MAX_EMBED_BYTES = 65_536;

export interface StageNetworkDeps {
  readonly protocol: PeerProtocol;
  readonly inbox: ResultInbox;
  /** The ed25519 key of a peer id. */
  readonly publicKeyOf: (peerId: PeerId) => Uint8Array;
  readonly faults: PeerBlame;
}

/** Stages over the network: what a coordinator asks of other nodes, and what this node answers to others. */
export class StageNetwork implements StagePort {
  readonly #self: PeerId;
  readonly #deps: StageNetworkDeps;
  readonly #known = new KnownRequests();
  #host: StageHost | null = null;

  constructor(options: { self: PeerId }, deps: StageNetworkDeps) {
    this.#self = options.self;
    this.#deps = deps;
  }

  /** Begins to serve other nodes. */
  serve(host: StageHost, engine: Engine): void {
    this.#host = host;
    const { protocol, inbox } = this.#deps;
    protocol.handle('open', { request: openSchema }, async ({ plan, signature, ...rest }, { peerId }) => {
      this.#known.add(rest.requestId);
      return host.open({ ...rest, plan: this.readPlan(plan, signature, peerId), coordinator: peerId });
    });
    protocol.handle('replay', { request: replaySchema }, async ({ requestId, layer, ...rest }, { peerId }) => ({
      complete: host.replay(sequenceId(requestId, layer, peerId), rest),
    }));
    protocol.handle('status', { request: statusSchema }, async ({ requestId, layer }, { peerId }) =>
      host.status(sequenceId(requestId, layer, peerId)),
    );
    protocol.handle('close', { request: closeSchema }, async ({ requestId, layer, keys }, { peerId }) =>
      host.close(sequenceId(requestId, layer, peerId), keys),
    );
    protocol.handleRaw('step', (body, { peerId }) => this.#receive(host, body, peerId));
    protocol.handle('fail', { request: failSchema }, async ({ code, message, kind, ...rest }, { peerId }) => {
      inbox.fail(peerId, { ...rest, error: stageError(peerId, rest.layer, code, message, kind) });
      return null;
    });
    protocol.handleRawCall('alive', async () => new Uint8Array());
    protocol.handleRawCall('experts', async (body) => encodeOutput(await experts(engine, body)));
    protocol.handleRawCall('embed', async (body) => {
      const { modelRoot, tokens } = readEmbed(body);
      return encodeOutput({ ms: 0, rows: await engine.embed({ modelRoot, tokens: Uint32Array.from(tokens) }) });
    });
    protocol.handle('sample', { request: sampleSchema }, async ({ hidden, ...request }) =>
      engine.sample({ ...request, hidden: wholeFloats(hidden) }).then((tokens) => [...tokens]),
    );
  }

  /** A step frame that came over a lane, and that the engine did not wait for. */
  async frame({ peerId, lane, body }: LaneName & { readonly body: Uint8Array }): Promise<void> {
    try {
      if (this.#host) await this.#receive(this.#host, body, peerId, lane);
    } catch (error) {
      this.#deps.faults.nuisance(peerId, errorCode(error));
    }
  }

  /**
   * @returns when the step is done with; it takes up room until then
   * @throws InferenceError ERR_INFERENCE_FRAME; ERR_INFERENCE_SEQUENCE_UNKNOWN for a request nobody opened here
   */
  #receive(host: StageHost, body: Uint8Array, from: PeerId, lane?: number): Promise<void> | undefined {
    const { inbox } = this.#deps;
    const head = decodeStepHead(body);
    if (!this.#known.has(head.requestId)) {
      const message = 'A peer sent rows of a request that is not known here.';
      throw new InferenceError('ERR_INFERENCE_SEQUENCE_UNKNOWN', message, { kind: 'peer' });
    }
    if (head.layer !== RESULT) return host.receive(head, from, () => stepRows(body), lane);
    const { requestId, epoch, position } = head;
    const isByLane = lane !== undefined;
    if (inbox.expects(from, requestId))
      inbox.deliver(from, { requestId, epoch, position, hidden: stepRows(body), isByLane });
    return undefined;
  }

  /** @throws InferenceError ERR_INFERENCE_PLAN unless the peer signed exactly this plan */
  readPlan(bytes: Uint8Array, signature: Uint8Array, maker: PeerId): Plan {
    const plan: Plan = { ...decodePlan(bytes), signature };
    if (!verifyPlan(plan, this.#deps.publicKeyOf(maker))) {
      throw new InferenceError('ERR_INFERENCE_PLAN', 'The plan is not signed by the node that asks.', { kind: 'peer' });
    }
    return plan;
  }

  async open(peerId: PeerId, opening: Omit<StageOpening, 'coordinator'>, signal: AbortSignal): Promise<Opened> {
    const { plan, ...rest } = opening;
    this.#known.add(rest.requestId);
    const message = { ...rest, plan: planBytes(plan), signature: plan.signature ?? new Uint8Array() };
    const options = { response: openedSchema, timeoutMs: OPEN_TIMEOUT_MS, signal };
    return this.#deps.protocol.call(peerId, 'open', message, options);
  }

  /** @returns whether the stage had all the rows */
  async replay(
    peerId: PeerId,
    request: { requestId: string; layer: number; epoch: number; from: number; wantedFrom: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    const options = { response: replayedSchema, timeoutMs: REPLAY_TIMEOUT_MS, signal };
    return (await this.#deps.protocol.call(peerId, 'replay', request, options)).complete;
  }

  status(
    peerId: PeerId,
    requestId: string,
    layer: number,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<StageStatus | null> {
    const options = { response: stageStatusSchema.nullable(), timeoutMs, signal };
    return this.#deps.protocol.call(peerId, 'status', { requestId, layer }, options);
  }

  /** A sign of life. @throws P2pError ERR_P2P_TIMEOUT, ERR_P2P_PEER_GONE, ERR_P2P_UNREACHABLE */
  async alive(peerId: PeerId, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await this.#deps.protocol.callRaw(peerId, 'alive', [], { timeoutMs, signal });
  }

  close(peerId: PeerId, requestId: string, layer: number, keys: readonly string[]): Promise<StageUsage | null> {
    return this.#deps.protocol.call(
      peerId,
      'close',
      { requestId, layer, keys },
      { response: usageSchema.nullable(), timeoutMs: CLOSE_TIMEOUT_MS },
    );
  }

  async forward(to: PeerId, coordinator: PeerId, frame: StepFrame): Promise<void> {
    const { requestId, layer, epoch, position, wanted, rows } = frame;
    // Not awaited: the sender goes on while the next stage computes.
    if (to === this.#self)
      void this.#host?.step(sequenceId(requestId, layer, coordinator), {
        epoch,
        position,
        wanted,
        input: rows.slice(),
      });
    else await this.#deps.protocol.notifyRaw(to, 'step', encodeStep(frame));
  }

  async result(coordinator: PeerId, result: StageResult): Promise<void> {
    if (coordinator === this.#self) {
      this.#deps.inbox.deliver(this.#self, result);
      return;
    }
    const { requestId, epoch, position, hidden: rows = new Float32Array() } = result;
    const frame = { requestId, layer: RESULT, epoch, position, wanted: 0, rows };
    await this.#deps.protocol.notifyRaw(coordinator, 'step', encodeStep(frame));
  }

  async fail(coordinator: PeerId, failure: StageFailure): Promise<void> {
    const { error, ...rest } = failure;
    if (coordinator === this.#self) {
      this.#deps.inbox.fail(this.#self, failure);
      return;
    }
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 2048);
    const kind = error instanceof AppError ? error.kind : 'internal';
    const request = { ...rest, code: errorCode(error), message, kind };
    await this.#deps.protocol.call(coordinator, 'fail', request, { response: nothing, timeoutMs: CLOSE_TIMEOUT_MS });
  }

  async embed(
    peerId: PeerId,
    modelRoot: string,
    tokens: Uint32Array,
    signal: AbortSignal,
  ): Promise<Float32Array<ArrayBuffer>> {
    const body = Buffer.from(JSON.stringify({ modelRoot, tokens: Array.from(tokens) }));
    const answer = await this.#deps.protocol.callRaw(peerId, 'embed', body, { timeoutMs: ROW_TIMEOUT_MS, signal });
    return decodeOutput(answer).rows;
  }

  /** The tokens behind rows [rows, hidden]; the first one stands at `position`. */
  sample(
    peerId: PeerId,
    request: Pick<SampleRequest, 'modelRoot' | 'position' | 'spec' | 'masks'> & { hidden: Float32Array<ArrayBuffer> },
    signal: AbortSignal,
  ): Promise<readonly SampledToken[]> {
    const { hidden } = request;
    const bytes = new Uint8Array(hidden.buffer, hidden.byteOffset, hidden.byteLength);
    return this.#deps.protocol.call(
      peerId,
      'sample',
      { ...request, hidden: bytes },
      { response: sampledRowsSchema, timeoutMs: ROW_TIMEOUT_MS, signal },
    );
  }
}

async function experts(engine: Engine, body: Uint8Array): Promise<{ ms: number; rows: Float32Array<ArrayBuffer> }> {
  const { modelRoot, layer, groups, rows } = decodeExperts(body);
  const { outputs, ms } = await engine.experts({ modelRoot, layer, groups, rows });
  return { ms, rows: outputs };
}

/** @throws InferenceError ERR_INFERENCE_FRAME */
function readEmbed(body: Uint8Array): z.infer<typeof embedSchema> {
  if (body.byteLength > MAX_EMBED_BYTES) throw malformed('an embedding request is too long');
  try {
    return embedSchema.parse(JSON.parse(Buffer.from(body).toString()));
  } catch (cause) {
    throw malformed('an embedding request is not the JSON it should be', cause);
  }
}

/** @throws InferenceError ERR_INFERENCE_FRAME */
function wholeFloats(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  if (bytes.byteLength % 4 !== 0) throw malformed('a row is not made of whole numbers');
  return new Float32Array(new Uint8Array(bytes).buffer);
}

function malformed(what: string, cause?: unknown): InferenceError {
  const message = `A peer sent a malformed inference frame: ${what}.`;
  return new InferenceError('ERR_INFERENCE_FRAME', message, { kind: 'peer', cause });
}

function stageError(peerId: PeerId, layer: number, code: string, message: string, kind: ErrorKind): InferenceError {
  const text = `The stage from layer ${layer} failed on another node (${code}): ${message}`;
  return new InferenceError('ERR_INFERENCE_STAGE', text, {
    kind: kind === 'caller' ? 'caller' : 'peer',
    meta: { peerId, layer, code },
  });
}
