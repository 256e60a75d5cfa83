import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { PeerId } from '@blyan/interface';
import { LANE_TLS } from './lane-tls.ts';

/** From the invitation to the end of the handshake. */
const INVITATION_MS = 10_000;
const HANDSHAKE_MS = 5_000;
const MAX_CONNECTIONS = 256;
const IDENTITY_BYTES = 16;
const SECRET_BYTES = 32;

/** What a peer needs to open a lane to this node: told over a connection that has proved who it is. */
export interface LaneInvitation {
  readonly port: number;
  /** 32 hexadecimal digits that name the secret. */
  readonly identity: string;
  /** 32 bytes, good for one handshake. */
  readonly secret: Uint8Array;
}

interface Invited {
  readonly peerId: PeerId;
  readonly secret: Buffer;
  readonly untilMs: number;
}

/**
 * Lets invited peers in. The handshake is TLS 1.3 with the invitation's secret as external pre-shared key (RFC 8446
 * section 2.2, with (EC)DHE): whoever gets through it is the peer that the secret was told to.
 */
export class LaneDoor {
  readonly #host: string;
  readonly #onLane: (peerId: PeerId, socket: TLSSocket) => void;
  readonly #invited = new Map<string, Invited>();
  readonly #guests = new WeakMap<TLSSocket, PeerId>();
  #opening: Promise<Server> | null = null;

  /** @param host the address to listen on, with a port that the system chooses */
  constructor(host: string, onLane: (peerId: PeerId, socket: TLSSocket) => void) {
    this.#host = host;
    this.#onLane = onLane;
  }

  /** A later invitation of the same peer makes an earlier one void. */
  async invite(peerId: PeerId): Promise<LaneInvitation> {
    this.#opening ??= this.#open();
    const { port } = (await this.#opening).address() as AddressInfo;
    const nowMs = performance.now();
    for (const [identity, invited] of this.#invited) {
      if (invited.peerId === peerId || invited.untilMs < nowMs) this.#invited.delete(identity);
    }
    const identity = randomBytes(IDENTITY_BYTES).toString('hex');
    const secret = randomBytes(SECRET_BYTES);
    this.#invited.set(identity, { peerId, secret, untilMs: nowMs + INVITATION_MS });
    return { port, identity, secret: new Uint8Array(secret) };
  }

  async stop(): Promise<void> {
    this.#invited.clear();
    (await this.#opening?.catch(() => null))?.close();
  }

  #open(): Promise<Server> {
    const server = createServer({
      ...LANE_TLS,
      handshakeTimeout: HANDSHAKE_MS,
      pskCallback: (socket, identity) => {
        const invited = this.#invited.get(identity);
        this.#invited.delete(identity);
        if (invited === undefined || invited.untilMs < performance.now()) return null;
        this.#guests.set(socket, invited.peerId);
        return invited.secret;
      },
    });
    server.maxConnections = MAX_CONNECTIONS;
    // Who does not get through the handshake is nobody.
    server.on('tlsClientError', (_, socket) => socket.destroy());
    server.on('secureConnection', (socket: TLSSocket) => {
      const peerId = this.#guests.get(socket);
      if (peerId === undefined) socket.destroy();
      else this.#onLane(peerId, socket);
    });
    server.unref();
    return new Promise((resolve, reject) => {
      // One that comes later is of a connection that could not be accepted.
      server.on('error', reject);
      server.listen(0, this.#host, () => resolve(server));
    });
  }
}
