import type { PeerId } from '@blyan/interface';
import type { NodeView } from '@blyan/routing';
import { z } from 'zod';
import { type JournalPeers, MAX_ANSWER_BYTES, type NetworkJournal, type WirePart } from './answer-journal.ts';
import { LOCATOR_BYTES } from './answer-seal.ts';
import { type AnswerShelf, MAX_ENTRY_PARTS, MAX_WRITERS } from './answer-shelf.ts';
import type { P2pHost } from './host.ts';
import type { PeerProtocol } from './peer-protocol.ts';

/** One part may be nearly as large as a whole answer. */
const MAX_FRAME_BYTES = MAX_ANSWER_BYTES + 256 * 1024;
const MAX_SERVED_CALLS = 32;
const MAX_SERVED_BYTES = 2 * MAX_FRAME_BYTES;
const MAX_PARTS = 1024;
const CALL_TIMEOUT_MS = 3_000;

const bytes = (max: number, min = 1) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.byteLength >= min && value.byteLength <= max);
const locator = bytes(LOCATOR_BYTES, LOCATOR_BYTES).transform((value) => Buffer.from(value).toString('hex'));
const binary = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

export const journalPutSchema = z.object({
  parts: z
    .array(
      z.object({
        locator,
        index: z
          .int()
          .min(0)
          .max(MAX_ENTRY_PARTS - 1),
        bytes: bytes(MAX_ANSWER_BYTES),
      }),
    )
    .min(1)
    .max(MAX_PARTS),
});
export const journalKeySchema = z.object({ locator });
const lostSchema = z.object({ lost: z.array(locator).max(MAX_PARTS) });
const entrySchema = z.object({ parts: z.array(bytes(MAX_ANSWER_BYTES)).max(MAX_ENTRY_PARTS) });

/** The nodes of the network as keepers of answers: protocol `journal`. */
export class NetworkJournalPeers implements JournalPeers {
  readonly #protocol: PeerProtocol;
  readonly #views: () => readonly NodeView[];

  /** @param views live node records, this node's own among them */
  constructor(host: P2pHost, views: () => readonly NodeView[]) {
    this.#views = views;
    this.#protocol = host.protocol('journal', 1, {
      maxFrameBytes: MAX_FRAME_BYTES,
      maxServedCalls: MAX_SERVED_CALLS,
      maxServedBytes: MAX_SERVED_BYTES,
    });
  }

  /** Keeps for others what they send, in entries that each may write for itself alone, and hands out what is here. */
  serve(journal: NetworkJournal): void {
    const shelf = journal.kept;
    this.#protocol.handle('put', { request: journalPutSchema }, async ({ parts }, { peerId }) => ({
      lost: [...putAll(shelf, peerId, parts)].map(binary),
    }));
    this.#protocol.handle('get', { request: journalKeySchema }, (request) => entriesOf(journal, request.locator));
    this.#protocol.handle('drop', { request: journalKeySchema }, async (request, { peerId }) => {
      shelf.drop(peerId, request.locator);
      return {};
    });
  }

  backups(): readonly PeerId[] {
    return this.holders();
  }

  /** Gateways first, then the others; the nearest first. Peers that are refused are not connected. */
  holders(): readonly PeerId[] {
    const rtt = ({ rttMs }: NodeView) => rttMs ?? Number.MAX_VALUE;
    return this.#views()
      .filter(({ self, reachable }) => reachable && !self)
      .sort((a, b) => Number(b.gateway) - Number(a.gateway) || rtt(a) - rtt(b))
      .map(({ peerId }) => peerId);
  }

  async put(peerId: PeerId, parts: readonly WirePart[]): Promise<readonly string[]> {
    const request = { parts: parts.map((part) => ({ ...part, locator: binary(part.locator) })) };
    const options = { response: lostSchema, timeoutMs: CALL_TIMEOUT_MS };
    return (await this.#protocol.call(peerId, 'put', request, options)).lost;
  }

  async *get(peerId: PeerId, text: string, signal: AbortSignal): AsyncGenerator<readonly Uint8Array[]> {
    const options = { response: entrySchema, idleTimeoutMs: CALL_TIMEOUT_MS, signal };
    let count = 0;
    for await (const { parts } of this.#protocol.stream(peerId, 'get', { locator: binary(text) }, options)) {
      yield parts;
      if (++count > MAX_WRITERS) return;
    }
  }

  async drop(peerId: PeerId, text: string): Promise<void> {
    const options = { response: z.object({}), timeoutMs: CALL_TIMEOUT_MS };
    await this.#protocol.call(peerId, 'drop', { locator: binary(text) }, options);
  }
}

function putAll(shelf: AnswerShelf, writer: PeerId, parts: readonly WirePart[]): Set<string> {
  const lost = new Set<string>();
  for (const { locator: key, index, bytes: part } of parts) {
    if (index === 0) lost.delete(key);
    if (!shelf.put(writer, key, index, part)) lost.add(key);
  }
  return lost;
}

async function* entriesOf(journal: NetworkJournal, key: string): AsyncGenerator<{ parts: readonly Uint8Array[] }> {
  for (const parts of journal.partsOf(key)) yield { parts };
}
