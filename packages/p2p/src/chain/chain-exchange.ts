import { type BlockSource, type ChainReach, type FinalBlockBody, MAX_ASKED_RECORDS, type PeerKey } from '@blyan/chain';
import { type BlockOutline, type CryptoSuite, decodeCertificate, decodeOutline, hashRecord } from '@blyan/chain-format';
import { AppError, errorCode, type Hash, type Logger, type PeerId } from '@blyan/interface';
import type { z } from 'zod';
import type { P2pHost } from '../host.ts';
import type { PeerProtocol } from '../peer-protocol.ts';
import { chainWire, packHashes, unpackHashes } from './chain-wire.ts';
import type { PeerKeys } from './peer-key.ts';

const TIMEOUT_MS = 10_000;
/** An answer that is none, or other records than were asked for. */
const BAD_ANSWER_POINTS = 25;
/** Peers asked one after the other before it is given up. */
const MAX_ASKED_PEERS = 4;

export interface ChainExchangeDeps {
  readonly host: P2pHost;
  readonly logger: Logger;
  readonly suite: CryptoSuite;
  readonly keys: PeerKeys;
  readonly protocol: PeerProtocol;
}

/** Asks peers for records and blocks, one after the other until one has them. Who answers wrongly loses points. */
export class ChainExchange implements BlockSource {
  readonly #deps: ChainExchangeDeps;
  #turn = 0;

  constructor(deps: ChainExchangeDeps) {
    this.#deps = deps;
  }

  async outline(hash: Hash, from: readonly PeerKey[], signal: AbortSignal): Promise<BlockOutline | null> {
    for (const peerId of this.#candidates(from)) {
      const answer = await this.#ask(peerId, 'outline', { hash }, signal);
      if (!answer?.outline) continue;
      const bytes = answer.outline;
      const outline = this.#check(peerId, () => decodeOutline(bytes, this.#deps.suite));
      if (outline === null) continue;
      if (outline.hash === hash) return outline;
      this.#blame(peerId);
    }
    return null;
  }

  async records(hashes: readonly Hash[], from: readonly PeerKey[], signal: AbortSignal): Promise<Uint8Array[]> {
    const missing = new Set(hashes);
    const found: Uint8Array[] = [];
    for (const peerId of this.#candidates(from)) {
      // An answer may be full before it has everything; a peer is asked on while it brings something new.
      for (let before = -1; missing.size > 0 && before !== missing.size; ) {
        before = missing.size;
        const wanted = [...missing].slice(0, MAX_ASKED_RECORDS);
        const answer = await this.#ask(peerId, 'records', { hashes: packHashes(wanted) }, signal);
        for (const record of answer?.records ?? []) {
          if (missing.delete(hashRecord(record, this.#deps.suite))) found.push(record);
          else this.#blame(peerId);
        }
      }
      if (missing.size === 0) break;
    }
    return found;
  }

  async finalBlocks(
    fromHeight: number,
    from: readonly PeerKey[],
    signal: AbortSignal,
  ): Promise<readonly FinalBlockBody[]> {
    for (const peerId of this.#candidates(from)) {
      const answer = await this.#ask(peerId, 'blocks', { from: fromHeight }, signal);
      if (answer === null || answer.blocks.length === 0) continue;
      const blocks = this.#check(peerId, () =>
        answer.blocks.map(({ outline, records, certificate }) => ({
          block: decodeOutline(outline, this.#deps.suite),
          records,
          certificate: decodeCertificate(certificate),
        })),
      );
      if (blocks === null) continue;
      if (blocks.every(({ block }, i) => block.header.height === fromHeight + i)) return blocks;
      this.#blame(peerId);
    }
    return [];
  }

  async reach(peer: PeerKey, signal: AbortSignal): Promise<ChainReach | null> {
    return await this.#ask(this.#deps.keys.idOf(peer), 'reach', {}, signal);
  }

  async pool(peer: PeerKey, signal: AbortSignal): Promise<readonly Hash[]> {
    const answer = await this.#ask(this.#deps.keys.idOf(peer), 'pool', {}, signal);
    return answer === null ? [] : unpackHashes(answer.hashes);
  }

  async manifest(peer: PeerKey, signal: AbortSignal): Promise<Uint8Array | null> {
    return (await this.#ask(this.#deps.keys.idOf(peer), 'manifest', {}, signal))?.manifest ?? null;
  }

  async chunk(peer: PeerKey, height: number, index: number, signal: AbortSignal): Promise<Uint8Array | null> {
    return (await this.#ask(this.#deps.keys.idOf(peer), 'chunk', { height, index }, signal))?.chunk ?? null;
  }

  async epochEnds(peer: PeerKey, fromEpoch: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    return (await this.#ask(this.#deps.keys.idOf(peer), 'ends', { from: fromEpoch }, signal))?.ends ?? [];
  }

  /** Who is named and connected; without names anybody, in turn. */
  #candidates(from: readonly PeerKey[]): PeerId[] {
    const { host, keys } = this.#deps;
    const named = from.map((key) => keys.idOf(key)).filter((peerId) => host.isConnected(peerId));
    if (from.length > 0) return named.slice(0, MAX_ASKED_PEERS);
    const peers = host.peers();
    const first = this.#turn++ % Math.max(1, peers.length);
    return [...peers.slice(first), ...peers.slice(0, first)].slice(0, MAX_ASKED_PEERS);
  }

  /** Null when the peer does not answer, or answers something else. @throws only the signal's reason */
  async #ask<M extends keyof typeof chainWire>(
    peerId: PeerId,
    method: M,
    request: unknown,
    signal: AbortSignal,
  ): Promise<z.output<(typeof chainWire)[M]['response']> | null> {
    const { response } = chainWire[method];
    try {
      const answer = await this.#deps.protocol.call(peerId, method, request, {
        response,
        timeoutMs: TIMEOUT_MS,
        signal,
      });
      return answer as z.output<(typeof chainWire)[M]['response']>;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AppError && error.code === 'ERR_P2P_BAD_RESPONSE') this.#blame(peerId);
      this.#deps.logger.debug('peer did not answer about the chain', { peerId, method, code: errorCode(error) });
      return null;
    }
  }

  #check<T>(peerId: PeerId, decode: () => T): T | null {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#blame(peerId, error.code);
      return null;
    }
  }

  #blame(peerId: PeerId, code = 'ERR_P2P_BAD_RESPONSE'): void {
    this.#deps.host.penalize(peerId, BAD_ANSWER_POINTS, code);
  }
}
