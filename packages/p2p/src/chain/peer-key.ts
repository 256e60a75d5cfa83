import type { PeerKey } from '@blyan/chain';
import { fromHex, toHex } from '@blyan/crypto';
import type { PeerId } from '@blyan/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { peerIdOf } from '../node-record.ts';

const MAX_KNOWN = 8_192;

/** Peer ids and the ed25519 keys they are made of: the same thing in two spellings. Bounded. */
export class PeerKeys {
  readonly #keys = new Map<PeerId, PeerKey>();
  readonly #ids = new Map<PeerKey, PeerId>();

  /** 64 lower-case hexadecimal digits. @throws TypeError for a peer id of another kind of key, which this host never has */
  keyOf(peerId: PeerId): PeerKey {
    const known = this.#keys.get(peerId);
    if (known !== undefined) return known;
    const id = peerIdFromString(peerId);
    if (id.type !== 'Ed25519') throw new TypeError('a peer id of another kind of key');
    const key = toHex(id.publicKey.raw);
    this.#remember(peerId, key);
    return key;
  }

  idOf(key: PeerKey): PeerId {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const peerId = peerIdOf(fromHex(key, 32));
    this.#remember(peerId, key);
    return peerId;
  }

  #remember(peerId: PeerId, key: PeerKey): void {
    if (this.#keys.size >= MAX_KNOWN) {
      this.#keys.clear();
      this.#ids.clear();
    }
    this.#keys.set(peerId, key);
    this.#ids.set(key, peerId);
  }
}
