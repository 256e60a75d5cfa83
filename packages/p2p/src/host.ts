import { EventEmitter } from 'node:events';
import { type Clock, errorCode, type Logger, type NodeFaults, type PeerId, type Service } from '@blyan/interface';
import type { Connection, ConnectionGater, Ed25519PrivateKey, Stream } from '@libp2p/interface';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { hostOf, isAddress, parseAddress, peerOf, withPeer } from './address.ts';
import { OPEN_TIMEOUT_MS } from './constants.ts';
import { dialError, isTimeout } from './dial-error.ts';
import { P2pError } from './errors.ts';
import { createNode, type Libp2pNode } from './libp2p-node.ts';
import { listenError } from './listen-error.ts';
import { PeerPenalties } from './peer-penalties.ts';
import { PeerProtocol, type PeerProtocolOptions } from './peer-protocol.ts';
import { assertSameNetwork, protocolId } from './protocol-id.ts';
import { Reconnector, type ReconnectTarget } from './reconnector.ts';
import { RttMonitor } from './rtt-monitor.ts';
import type { CallOptions } from './unary-call.ts';

export interface P2pHostOptions {
  readonly privateKey: Ed25519PrivateKey;
  readonly networkId: string;
  /** Multiaddrs; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** What others are told instead of the addresses listened on. */
  readonly announce?: readonly string[];
  readonly bootstrap: readonly string[];
  /** Find nodes of the same network on the LAN. */
  readonly mdns: boolean;
  /** Private network: 16 to 64 bytes that every member knows. */
  readonly joinSecret?: Uint8Array;
  readonly maxConnections?: number;
  /** Software version told to peers. */
  readonly version?: string;
}

export interface P2pHostDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

interface HostEvents {
  'peer:connect': [PeerId];
  'peer:disconnect': [PeerId];
  /** A new round-trip sample. */
  rtt: [PeerId];
  /** A configured address could not be reached, or answered for another network. */
  'bootstrap:error': [{ readonly address: string; readonly error: unknown }];
}

const DEFAULT_MAX_CONNECTIONS = 128;
const MAX_GOSSIP_BYTES = 64 * 1024;
const MAX_STREAMS_PER_PROTOCOL = 4;
const IDENTIFY_TIMEOUT_MS = 10_000;
const LEARNED_DIAL_DELAY_MS = 2000;
/** For a broken frame, which no honest peer sends. */
const BROKEN_FRAME_POINTS = 25;
const TOPIC_NAMES = ['records', 'chain-records', 'chain-blocks'];

/**
 * This node's place in the network: listens, dials, keeps connections, and carries versioned protocols. A peer counts as
 * connected when it has proved its identity and speaks protocols of the same network.
 */
export class P2pHost implements Service {
  readonly peerId: PeerId;
  readonly networkId: string;
  readonly #options: P2pHostOptions;
  readonly #deps: P2pHostDeps;
  readonly #events = new EventEmitter<HostEvents>();
  readonly #protocols = new Map<string, PeerProtocol>();
  readonly #admissions = new Map<string, Promise<void>>();
  readonly #members = new Set<PeerId>();
  readonly #maxConnections: number;
  readonly #penalties: PeerPenalties;
  readonly #reconnector: Reconnector;
  readonly #rtt: RttMonitor;
  #node: Libp2pNode | null = null;
  #stopping: Promise<void> | null = null;

  constructor(options: P2pHostOptions, deps: P2pHostDeps) {
    this.#options = options;
    this.#deps = deps;
    this.networkId = options.networkId;
    this.#maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
    this.peerId = peerIdFromPrivateKey(options.privateKey).toString();
    this.#penalties = new PeerPenalties(deps.clock);
    this.#reconnector = new Reconnector({
      clock: deps.clock,
      logger: deps.logger,
      isConnected: (peerId) => this.#members.has(peerId) || peerId === this.peerId,
      wantsMore: () => this.#members.size < this.#maxConnections / 2,
      dial: (address) => this.dial(address, AbortSignal.timeout(OPEN_TIMEOUT_MS)),
      onFailure: (target, error) => this.#dialFailed(target, error),
    });
    this.#rtt = new RttMonitor(this.protocol('rtt', 1, { maxFrameBytes: 1024, maxServedCalls: 16 }), {
      logger: deps.logger,
      onSample: (peerId) => this.#events.emit('rtt', peerId),
    });
  }

  get running(): boolean {
    return this.#node !== null;
  }

  /** The libp2p node, for packages that build on gossip. @throws P2pError ERR_P2P_NOT_RUNNING */
  get libp2p(): Libp2pNode {
    if (this.#node === null) throw new P2pError('ERR_P2P_NOT_RUNNING', 'The network is not running; start it first.');
    return this.#node;
  }

  /**
   * Listens and begins to connect; does not wait for any peer.
   *
   * @throws P2pError ERR_P2P_PORT_TAKEN, ERR_P2P_LISTEN, ERR_P2P_ADDRESS
   */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.#node !== null) return;
    signal?.throwIfAborted();
    const { listen, announce = [], bootstrap } = this.#options;
    for (const address of [...listen, ...announce, ...bootstrap]) parseAddress(address);
    const node = await createNode(
      {
        privateKey: this.#options.privateKey,
        networkId: this.networkId,
        listen,
        announce,
        mdns: this.#options.mdns,
        joinSecret: this.#options.joinSecret,
        maxConnections: this.#maxConnections,
        version: this.#options.version ?? '0',
        allowedTopics: TOPIC_NAMES.map((name) => this.topic(name)),
        maxGossipBytes: MAX_GOSSIP_BYTES,
      },
      this.#gater(),
    );
    for (const protocol of this.#protocols.values()) await this.#serve(node, protocol);
    node.addEventListener('connection:open', (event) => this.#opened(event.detail));
    node.addEventListener('connection:close', (event) => this.#admissions.delete(event.detail.id));
    node.addEventListener('peer:disconnect', (event) => this.#left(event.detail.toString()));
    node.addEventListener('peer:discovery', (event) => {
      this.learn(event.detail.id.toString(), event.detail.multiaddrs.map(String));
    });
    this.#node = node;
    this.#stopping = null;
    try {
      await node.start();
    } catch (error) {
      this.#node = null;
      await Promise.resolve(node.stop()).catch(() => {});
      throw listenError(listen, error);
    }
    for (const address of bootstrap) {
      const peerId = peerOf(parseAddress(address));
      if (peerId === this.peerId) continue;
      this.#reconnector.offer({ key: peerId ?? address, peerId, addresses: [address], configured: true });
    }
    this.#reconnector.start();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** What others can dial, each ending in `/p2p/<peer id>`. */
  addresses(): string[] {
    return this.#node === null ? [] : this.#node.getMultiaddrs().map(String);
  }

  /** Members of this network that a connection is open to. */
  peers(): PeerId[] {
    return [...this.#members];
  }

  isConnected(peerId: PeerId): boolean {
    return this.#members.has(peerId);
  }

  /** Milliseconds; null before the first sample. */
  rttMs(peerId: PeerId): number | null {
    return peerId === this.peerId ? 0 : this.#rtt.rttMs(peerId);
  }

  /** The IP address at the other end of a member's connection, or the name it was dialled by; null for everybody else. */
  remoteHost(peerId: PeerId): string | null {
    if (!this.#members.has(peerId)) return null;
    const open = this.#node?.getConnections(peerIdFromString(peerId)).find(({ status }) => status === 'open');
    return open ? hostOf(open.remoteAddr) : null;
  }

  on<E extends keyof HostEvents>(event: E, listener: (...args: HostEvents[E]) => void): this {
    this.#events.on(event, listener as never);
    return this;
  }

  off<E extends keyof HostEvents>(event: E, listener: (...args: HostEvents[E]) => void): this {
    this.#events.off(event, listener as never);
    return this;
  }

  /** `/blyan/<first 8 of network id>/<name>/1`; only the topics named here are carried. */
  topic(name: string): string {
    return protocolId(this.networkId, name, 1);
  }

  /** Declares a protocol, before or after the start. Two majors of one name may be served side by side. */
  protocol(name: string, major: number, options: PeerProtocolOptions = {}): PeerProtocol {
    const id = protocolId(this.networkId, name, major);
    if (this.#protocols.has(id)) throw new TypeError(`${id} is declared already`);
    const protocol = new PeerProtocol(id, options, {
      logger: this.#deps.logger,
      openStream: (peerId) => this.#openStream(peerId, id),
      onFault: (peerId, code, grave) => {
        if (grave) this.penalize(peerId, BROKEN_FRAME_POINTS, code);
        else this.nuisance(peerId, code);
      },
    });
    this.#protocols.set(id, protocol);
    if (this.#node !== null) void this.#serve(this.#node, protocol);
    return protocol;
  }

  /**
   * Connects to an address and waits until the peer there has proved to be a member.
   *
   * @throws P2pError ERR_P2P_ADDRESS, ERR_P2P_UNREACHABLE, ERR_P2P_HANDSHAKE (another identity, or another join secret),
   * ERR_P2P_WRONG_NETWORK
   */
  async dial(address: string, signal: AbortSignal = AbortSignal.timeout(OPEN_TIMEOUT_MS)): Promise<PeerId> {
    const connection = await this.#dial(parseAddress(address), address, signal);
    return connection.remotePeer.toString();
  }

  /** Remembers where a peer can be reached; the host connects to it and keeps trying. */
  learn(peerId: PeerId, addresses: readonly string[]): void {
    if (peerId === this.peerId || this.#node === null) return;
    const valid = addresses.filter(isAddress).map((address) => withPeer(address, peerId));
    if (valid.length === 0) return;
    // Of two nodes that learn of each other at once, one dials.
    const delayMs = this.peerId < peerId ? 0 : LEARNED_DIAL_DELAY_MS;
    const target: ReconnectTarget = { key: peerId, peerId, addresses: valid, configured: false };
    if (!this.#reconnector.offer(target, delayMs)) return;
    const multiaddrs = valid.map((text) => multiaddr(text));
    this.#node.peerStore.merge(peerIdFromString(peerId), { multiaddrs }).catch((error) => {
      this.#deps.logger.debug('addresses not kept', { peerId, code: errorCode(error) });
    });
  }

  /** Stops trying to reach a peer that left the network. */
  forget(peerId: PeerId): void {
    this.#reconnector.forget(peerId);
  }

  /**
   * Counts what a peer did wrong; at 100 points it is disconnected and refused for ten minutes.
   *
   * @param points 0 only notes the fault
   */
  penalize(peerId: PeerId, points: number, code: string): void {
    if (peerId === this.peerId) return;
    this.#deps.logger.debug('peer penalized', { peerId, points, code });
    if (this.#penalties.add(peerId, points, code)) this.#refuse(peerId);
  }

  /** Counts what happens to honest peers too, but not often: free up to 512 at once and 8 a second, then a point each. */
  nuisance(peerId: PeerId, code: string): void {
    if (peerId !== this.peerId && this.#penalties.nuisance(peerId, code)) this.#refuse(peerId);
  }

  /** What this node holds against a peer. */
  faults(peerId: PeerId): NodeFaults {
    return this.#penalties.of(peerId);
  }

  /** Every peer that something is held against, at most 4096. */
  faultyPeers(): PeerId[] {
    return this.#penalties.peers();
  }

  /**
   * One round trip now, milliseconds: tells a peer that computes long from one that hangs.
   *
   * @throws P2pError ERR_P2P_TIMEOUT, ERR_P2P_PEER_GONE
   */
  async ping(peerId: PeerId, options: CallOptions): Promise<number> {
    if (this.#members.has(peerId)) return this.#rtt.ping(peerId, options);
    throw new P2pError('ERR_P2P_PEER_GONE', 'There is no connection to the peer.', { kind: 'peer', meta: { peerId } });
  }

  async #stop(): Promise<void> {
    const node = this.#node;
    this.#node = null;
    this.#reconnector.stop();
    this.#rtt.stop();
    for (const protocol of this.#protocols.values()) protocol.stop();
    await node?.stop();
    this.#members.clear();
    this.#admissions.clear();
  }

  async #serve(node: Libp2pNode, protocol: PeerProtocol): Promise<void> {
    await node.handle(protocol.id, (stream, connection) => protocol.accept(stream, connection), {
      maxInboundStreams: MAX_STREAMS_PER_PROTOCOL,
      maxOutboundStreams: MAX_STREAMS_PER_PROTOCOL,
    });
  }

  async #openStream(peerId: PeerId, id: string): Promise<Stream> {
    const connection = await this.#connect(peerId);
    try {
      const stream = await connection.newStream(id, { signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) });
      if (stream.status !== 'open') throw new Error('stream closed while opening');
      return stream;
    } catch (cause) {
      if ((cause as Error).name === 'UnsupportedProtocolError') {
        const message = `The peer does not speak ${id}; one of the two nodes runs an older version.`;
        throw new P2pError('ERR_P2P_PROTOCOL', message, { kind: 'peer', meta: { peerId, protocol: id }, cause });
      }
      throw new P2pError('ERR_P2P_PEER_GONE', 'The connection to the peer was lost.', {
        kind: 'peer',
        meta: { peerId },
        cause,
      });
    }
  }

  async #connect(peerId: PeerId): Promise<Connection> {
    const id = peerIdFromString(peerId);
    const open = this.libp2p.getConnections(id).find((connection) => connection.status === 'open');
    return open ?? (await this.#dial(id, peerId, AbortSignal.timeout(OPEN_TIMEOUT_MS)));
  }

  async #dial(target: Parameters<Libp2pNode['dial']>[0], name: string, signal: AbortSignal): Promise<Connection> {
    try {
      const connection = await this.libp2p.dial(target, { signal });
      await (this.#admissions.get(connection.id) ?? this.#admit(connection));
      return connection;
    } catch (error) {
      if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason;
      throw dialError(name, error);
    }
  }

  #opened(connection: Connection): void {
    const admission = this.#admit(connection);
    this.#admissions.set(connection.id, admission);
    admission.catch((error) => {
      this.#deps.logger.debug('peer not admitted', {
        peerId: connection.remotePeer.toString(),
        code: errorCode(error),
      });
      connection.close().catch(() => connection.abort(error as Error));
    });
  }

  async #admit(connection: Connection): Promise<void> {
    const peerId = connection.remotePeer.toString();
    const node = this.libp2p;
    const { agentVersion } = await node.services.identify.identify(connection, {
      signal: AbortSignal.timeout(IDENTIFY_TIMEOUT_MS),
    });
    assertSameNetwork(this.networkId, peerId, agentVersion);
    if (connection.status !== 'open' || this.#members.has(peerId)) return;
    this.#members.add(peerId);
    this.#rtt.watch(peerId);
    this.#events.emit('peer:connect', peerId);
  }

  #left(peerId: PeerId): void {
    if (!this.#members.delete(peerId)) return;
    this.#rtt.unwatch(peerId);
    this.#reconnector.retrySoon(peerId);
    this.#events.emit('peer:disconnect', peerId);
  }

  #refuse(peerId: PeerId): void {
    if (!this.#members.has(peerId)) return;
    this.#deps.logger.warn('peer refused after repeated faults', { peerId, code: this.faults(peerId).last?.code });
    this.#node?.hangUp(peerIdFromString(peerId)).catch(() => {});
  }

  /** Whoever listens says why, once; it happens again with every try. */
  #dialFailed(target: ReconnectTarget, error: unknown): void {
    if (target.configured) this.#events.emit('bootstrap:error', { address: target.addresses[0] as string, error });
  }

  #gater(): ConnectionGater {
    const refused = (peerId: { toString(): string }): boolean => this.#penalties.isRefused(peerId.toString());
    return {
      denyDialMultiaddr: () => false,
      denyDialPeer: refused,
      denyInboundEncryptedConnection: refused,
      denyOutboundEncryptedConnection: refused,
    };
  }
}
