import { createHmac } from 'node:crypto';

export const MIN_JOIN_SECRET_BYTES = 16;
export const MAX_JOIN_SECRET_BYTES = 64;

/**
 * The Noise prologue of a private network: HMAC-SHA256 of the network id under the join secret. Both sides hash it into the
 * handshake before the first encrypted message, so a peer without the secret cannot produce a message that decrypts: it
 * gets no connection, and not one protocol is served to it. A public network has an empty prologue.
 *
 * @see https://noiseprotocol.org/noise.html#prologue
 */
export function noisePrologue(networkId: string, joinSecret: Uint8Array | undefined): Uint8Array {
  if (joinSecret === undefined) return new Uint8Array(0);
  if (joinSecret.byteLength < MIN_JOIN_SECRET_BYTES || joinSecret.byteLength > MAX_JOIN_SECRET_BYTES) {
    throw new TypeError(`joinSecret: ${MIN_JOIN_SECRET_BYTES} to ${MAX_JOIN_SECRET_BYTES} bytes`);
  }
  return createHmac('sha256', joinSecret).update('blyan/join/1').update(networkId, 'utf8').digest();
}
