import { generateKeyPair } from '@blyan/crypto';
import type { PeerId } from '@blyan/interface';
import type { NodeAdvertisement, NodeRecordFields } from '@blyan/routing';
import { decodeNodeRecord, encodeNodeRecord, peerIdOf } from '../src/node-record.ts';
import { RecordIssuer, recordTtlMs } from '../src/record-issuer.ts';
import { RecordTable } from '../src/record-table.ts';

/** gossipsub's degrees in `libp2p-node.ts`. */
const FULL_MESH = 13;
const MESH_DEGREE = 8;
const GOSSIP_PEERS = 6;
const GOSSIP_WINDOW_S = 3;
/** A node dials others until it has so many connections. */
const CONNECTIONS = 64;
/** Topic and lengths of a gossip message, yamux and Noise. */
const MESSAGE_OVERHEAD = 100;
/** A message id in an announcement of gossip. */
const MESSAGE_ID = 34;
const STEP_MS = 100;

export interface SimulatedNode {
  readonly peerId: PeerId;
  readonly issuer: RecordIssuer;
  readonly table: RecordTable;
  readonly peers: Set<SimulatedNode>;
  readonly mesh: Set<SimulatedNode>;
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  advertisement: NodeAdvertisement;
  alive: boolean;
  sequence: number;
  /** Bytes of records received, duplicates and overhead included, and of announcements of gossip. */
  receivedBytes: number;
  issues: number;
}

/**
 * A network of nodes that issue and keep records by the rules of this package, over gossip that arrives at once and
 * whose duplicates are all sent: each node passes a message on to its whole mesh, its issuer to all its peers. Time is a
 * number; the same seed gives the same run.
 */
export class RecordNetwork {
  readonly nodes: SimulatedNode[];
  nowMs = 1_700_000_000_000;
  readonly #random: () => number;
  readonly #decoded = new WeakMap<Uint8Array, NodeRecordFields>();

  constructor(count: number, advertisement: (node: number) => NodeAdvertisement, seed = 1) {
    this.#random = generator(seed);
    this.nodes = Array.from({ length: count }, (_, i) => this.#node(advertisement(i)));
    this.#connect();
  }

  /** Lets so much time pass. @param act called for every living node once a second */
  run(durationMs: number, act: (node: SimulatedNode, random: () => number) => void = () => {}): void {
    for (const end = this.nowMs + durationMs; this.nowMs < end; this.nowMs += STEP_MS) {
      const second = this.nowMs % 1000 === 0;
      for (const node of this.nodes) {
        if (!node.alive) continue;
        if (second) {
          act(node, this.#random);
          node.table.sweep();
        }
        node.issuer.offer(node.advertisement);
        if (node.issuer.dueInMs(this.nowMs) <= 0) this.#issue(node);
      }
    }
  }

  /** The node is killed; its peers see the connection break. */
  kill(node: SimulatedNode): void {
    node.alive = false;
    for (const peer of node.peers) {
      peer.table.lost(node.peerId);
      peer.peers.delete(node);
      peer.mesh.delete(node);
    }
  }

  #issue(node: SimulatedNode): void {
    const ttlMs = recordTtlMs(node.table.size + 1);
    const fields: NodeRecordFields = {
      ...node.advertisement,
      v: 1,
      peerId: node.peerId,
      publicKey: node.publicKey,
      addresses: ['/ip4/192.0.2.7/tcp/4701'],
      sequence: ++node.sequence,
      issuedAtMs: this.nowMs,
      ttlMs,
    };
    const bytes = encodeNodeRecord(fields, node.seed);
    node.issuer.issued(ttlMs, this.nowMs);
    node.issues++;
    const reached = new Set([node]);
    const send = (to: SimulatedNode, queue: SimulatedNode[]) => {
      to.receivedBytes += bytes.byteLength + MESSAGE_OVERHEAD;
      if (reached.has(to)) return;
      reached.add(to);
      if (to.table.receive(bytes).verdict === 'accept') queue.push(to);
    };
    let wave: SimulatedNode[] = [];
    for (const peer of node.peers) send(peer, wave);
    while (wave.length > 0) {
      const next: SimulatedNode[] = [];
      for (const from of wave) for (const peer of from.mesh) if (peer !== node) send(peer, next);
      wave = next;
    }
    if (this.nodes.length <= FULL_MESH) return;
    for (const other of reached) other.receivedBytes += GOSSIP_PEERS * GOSSIP_WINDOW_S * MESSAGE_ID;
  }

  #node(advertisement: NodeAdvertisement): SimulatedNode {
    const { publicKey, secretSeed } = generateKeyPair();
    const peerId = peerIdOf(publicKey);
    const clock = { nowMs: () => this.nowMs };
    return {
      peerId,
      issuer: new RecordIssuer(this.#random),
      // Checking one signature at every node would take most of the run and change nothing.
      table: new RecordTable(peerId, clock, { decode: (bytes) => this.#decode(bytes) }),
      peers: new Set(),
      mesh: new Set(),
      seed: secretSeed,
      publicKey,
      advertisement,
      alive: true,
      sequence: 0,
      receivedBytes: 0,
      issues: 0,
    };
  }

  #decode(bytes: Uint8Array): NodeRecordFields {
    const known = this.#decoded.get(bytes);
    if (known !== undefined) return known;
    const fields = decodeNodeRecord(bytes);
    this.#decoded.set(bytes, fields);
    return fields;
  }

  /** A ring, so that nobody is cut off, and random connections beside it; the mesh is a part of them. */
  #connect(): void {
    const { nodes } = this;
    const join = (a: SimulatedNode, b: SimulatedNode, set: 'peers' | 'mesh'): void => {
      a[set].add(b);
      b[set].add(a);
    };
    const degree = nodes.length <= FULL_MESH ? nodes.length - 1 : MESH_DEGREE;
    nodes.forEach((node, i) => {
      const next = nodes[(i + 1) % nodes.length] as SimulatedNode;
      if (next !== node) for (const set of ['peers', 'mesh'] as const) join(node, next, set);
    });
    for (const node of nodes) {
      const others = nodes.filter((other) => other !== node);
      for (const other of shuffled(others, this.#random)) {
        if (node.peers.size < CONNECTIONS) join(node, other, 'peers');
        const room = node.mesh.size < degree && other.mesh.size < degree;
        if (room && node.peers.has(other)) join(node, other, 'mesh');
      }
    }
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
