import { AppError, errorCode, type PeerId } from '@blyan/interface';
import { P2pError, type PeerProtocol } from '@blyan/p2p';
import type { z } from 'zod';
import { uniform } from './noise.ts';

interface Context {
  readonly peerId: PeerId;
  readonly signal: AbortSignal;
}
interface Schemas {
  readonly request: z.ZodType;
}
interface Options {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}
interface Answers {
  readonly response: z.ZodType;
}
type Handler = (body: unknown, context: Context) => unknown;
type Bytes = Uint8Array | readonly Uint8Array[];

/** Most turns of the event loop that a message is on its way. */
const MAX_TURNS = 6;

/**
 * Peers in one process that talk as over connections: messages of a link arrive in their order after a seeded number of
 * turns of the event loop; what is on its way when a connection breaks is lost. Peers are killed, come back empty, hang,
 * and their frames are changed, doubled or held back as a test wants.
 */
export class MemoryNetwork {
  readonly #random: () => number;
  readonly #peers = new Map<PeerId, MemoryPeer>();
  readonly #links = new Map<string, Promise<void>>();
  /** By link: counts breaks, so that what was sent before one does not arrive after it. */
  readonly #breaks = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #sent = 0;
  /** Told of every message with its number, before it is on its way. */
  onSent: (count: number) => void = () => {};
  /** A frame as the peer sends it; null to lose it. */
  onFrame: (from: PeerId, to: PeerId, body: Uint8Array) => Uint8Array | null = (_from, _to, body) => body;

  /** What a peer answers. */
  onAnswer: (from: PeerId, method: string, answer: unknown) => unknown = (_from, _method, answer) => answer;

  constructor(seed: number) {
    this.#random = uniform(seed);
  }

  join(peer: MemoryPeer): void {
    this.#peers.set(peer.id, peer);
    this.changed();
    for (const other of this.#peers.values()) {
      if (other === peer || other.isDead) continue;
      other.onConnect(peer.id);
      peer.onConnect(other.id);
    }
  }

  peer(id: PeerId): MemoryPeer | undefined {
    const peer = this.#peers.get(id);
    return peer && !peer.isDead ? peer : undefined;
  }

  /** The process ends: nothing of what it sent or was sent arrives any more. */
  kill(id: PeerId): void {
    const peer = this.peer(id);
    if (!peer) return;
    peer.die();
    for (const other of this.#peers.values()) if (!other.isDead) this.disconnect(id, other.id);
    this.changed();
  }

  /** Breaks the connection of two peers, which may call each other again at once. */
  disconnect(a: PeerId, b: PeerId): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#breaks.set(`${from}>${to}`, this.#generation(from, to) + 1);
      for (const link of [...this.#links.keys()]) if (link.startsWith(`${from}>${to}`)) this.#links.delete(link);
    }
    this.peer(a)?.lose(b);
    this.peer(b)?.lose(a);
  }

  /** Resolves with the next change of who is there, or at the abort. */
  change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  changed(): void {
    for (const done of this.#waiting) done();
  }

  /**
   * @param way messages of one way keep their order, those of different ways overtake each other
   * @returns when the message is taken by the connection: at once, unless the other side hangs
   */
  async send(from: PeerId, to: PeerId, deliver: (peer: MemoryPeer) => void, way = ''): Promise<void> {
    const sender = this.peer(from);
    if (sender?.isHanging) await sender.awake();
    const target = this.peer(to);
    if (!target || !sender || sender.isDead) throw unreachable(to);
    this.onSent(++this.#sent);
    const generation = this.#generation(from, to);
    const link = `${from}>${to}${way}`;
    const before = this.#links.get(link) ?? Promise.resolve();
    const arrives = Math.floor(this.#random() * MAX_TURNS);
    this.#links.set(
      link,
      before.then(async () => {
        for (let turn = 0; turn < arrives; turn++) await turnOfLoop();
        await target.awake();
        if (generation === this.#generation(from, to) && !target.isDead) deliver(target);
      }),
    );
    // A peer that hangs takes nothing from its connection.
    await target.awake();
  }

  #generation(from: PeerId, to: PeerId): number {
    return this.#breaks.get(`${from}>${to}`) ?? 0;
  }
}

/** One peer's end of the network: as much of `PeerProtocol` as the executor uses. */
export class MemoryPeer {
  readonly id: PeerId;
  readonly #network: MemoryNetwork;
  readonly #handlers = new Map<string, Handler>();
  readonly #calls = new Map<PromiseWithResolvers<unknown>, PeerId>();
  readonly #resumed: (() => void)[] = [];
  onConnect: (peerId: PeerId) => void = () => {};
  onDisconnect: (peerId: PeerId) => void = () => {};
  isDead = false;
  isHanging = false;

  constructor(id: PeerId, network: MemoryNetwork) {
    this.id = id;
    this.#network = network;
  }

  get protocol(): PeerProtocol {
    return this as unknown as PeerProtocol;
  }

  handle(method: string, { request }: Schemas, run: Handler): void {
    this.#handlers.set(method, (body, context) => run(request.parse(body), context));
  }

  /** What answers a method. */
  handler(method: string): Handler | undefined {
    return this.#handlers.get(method);
  }

  handleRawCall(method: string, run: (body: Uint8Array, context: Context) => unknown): void {
    this.#handlers.set(method, run as Handler);
  }

  handleRaw(method: string, run: (body: Uint8Array, context: Context) => unknown): void {
    this.#handlers.set(method, run as Handler);
  }

  async call(to: PeerId, method: string, request: unknown, options: Options & Answers) {
    return options.response.parse(await this.#ask(to, method, structuredClone(request), options));
  }

  async callRaw(to: PeerId, method: string, body: Bytes, options: Options): Promise<Uint8Array> {
    return joined((await this.#ask(to, method, joined(body), options)) as Bytes);
  }

  async notifyRaw(to: PeerId, method: string, body: Bytes): Promise<void> {
    const frame = this.#network.onFrame(this.id, to, joined(body));
    if (frame === null) return;
    await this.#network.send(this.id, to, (peer) => peer.receive(method, frame, this.id));
  }

  async *stream(to: PeerId, method: string, request: unknown, options: Omit<Options, 'timeoutMs'> & Answers) {
    const call = Promise.withResolvers<unknown>();
    call.promise.catch(() => {});
    this.#calls.set(call, to);
    const cancelled = new AbortController();
    const chunks: unknown[] = [];
    let wake = () => {};
    const given = () => call.reject(options.signal?.reason);
    options.signal?.addEventListener('abort', given);
    if (options.signal?.aborted) given();
    const back = (peer: MemoryPeer, deliver: () => void) =>
      peer.#network.send(to, this.id, () => {
        deliver();
        wake();
      });
    const serve = async (peer: MemoryPeer) => {
      try {
        const handler = peer.#handlers.get(method) as Handler;
        const answer = handler(request, { peerId: this.id, signal: cancelled.signal }) as AsyncIterable<unknown>;
        for await (const chunk of answer) await back(peer, () => void chunks.push(structuredClone(chunk)));
        await back(peer, () => call.resolve(null));
      } catch (error) {
        await back(peer, () => call.reject(remote(error))).catch(() => {});
      }
    };
    this.#network.send(this.id, to, (peer) => void serve(peer)).catch((error) => call.reject(error));
    let isEnded = false;
    call.promise.then(
      () => {
        isEnded = true;
        wake();
      },
      () => {},
    );
    try {
      for (;;) {
        while (chunks.length > 0) yield options.response.parse(chunks.shift());
        if (isEnded) return;
        const news = new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (chunks.length === 0) await Promise.race([news, call.promise]);
      }
    } finally {
      cancelled.abort();
      options.signal?.removeEventListener('abort', given);
      this.#calls.delete(call);
    }
  }

  /** A one-way message arrives. */
  receive(method: string, body: Uint8Array, from: PeerId): void {
    this.#serve(method, body, from).catch(() => {});
  }

  /** Stops to read and to answer, with its connections open. */
  hang(): void {
    this.isHanging = true;
  }

  resume(): void {
    this.isHanging = false;
    for (const resolve of this.#resumed.splice(0)) resolve();
  }

  die(): void {
    this.isDead = true;
    this.resume();
    for (const call of this.#calls.keys()) call.reject(gone(this.id));
  }

  lose(other: PeerId): void {
    for (const [call, to] of this.#calls) if (to === other) call.reject(gone(other));
    this.onDisconnect(other);
  }

  async awake(): Promise<void> {
    while (this.isHanging) await new Promise<void>((resolve) => this.#resumed.push(resolve));
  }

  async #ask(to: PeerId, method: string, body: unknown, { timeoutMs, signal }: Options): Promise<unknown> {
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(call, to);
    const late = () => call.reject(new P2pError('ERR_P2P_TIMEOUT', `${method} was not answered`, { kind: 'peer' }));
    const timer = setTimeout(late, timeoutMs);
    const given = () => call.reject(signal?.reason);
    signal?.addEventListener('abort', given);
    if (signal?.aborted) given();
    this.#network
      .send(this.id, to, (peer) => {
        peer.#serve(method, body, this.id).then(
          (answer) => {
            const sent = structuredClone(this.#network.onAnswer(to, method, answer));
            peer.#network.send(to, this.id, () => call.resolve(sent)).catch(() => {});
          },
          (error) => peer.#network.send(to, this.id, () => call.reject(remote(error))).catch(() => {}),
        );
      })
      .catch((error) => call.reject(error));
    try {
      return await call.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', given);
      this.#calls.delete(call);
    }
  }

  async #serve(method: string, body: unknown, peerId: PeerId): Promise<unknown> {
    const handler = this.#handlers.get(method);
    if (!handler) throw new P2pError('ERR_P2P_UNKNOWN_METHOD', method, { kind: 'caller' });
    return handler(body, { peerId, signal: new AbortController().signal });
  }
}

export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function joined(body: Bytes): Uint8Array {
  return new Uint8Array(Buffer.concat(body instanceof Uint8Array ? [body] : [...body]));
}

function unreachable(peerId: PeerId): P2pError {
  return new P2pError('ERR_P2P_UNREACHABLE', 'there is no such peer', { kind: 'peer', meta: { peerId } });
}

function gone(peerId: PeerId): P2pError {
  return new P2pError('ERR_P2P_PEER_GONE', 'the connection broke', { kind: 'peer', meta: { peerId } });
}

/** As an error travels: its code and its sentence. */
function remote(error: unknown): AppError {
  const message = error instanceof Error ? error.message : String(error);
  return new AppError(errorCode(error), message, { kind: 'peer' });
}
