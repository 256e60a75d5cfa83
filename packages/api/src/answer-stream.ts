import { ApiClientError, brokenAnswer, parseAnswer, refusedBy } from './client-error.ts';
import { Connection } from './connection.ts';
import type { ApiErrorBody } from './errors.ts';
import { SSE_DONE } from './sse.ts';

/** Rounds over all gateways without a new event before the answer is given up. */
const MAX_ROUNDS = 8;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 4_000;
/** Rounds in which every gateway said that it does not know the answer; one that just started may not know its peers yet. */
const UNKNOWN_ROUNDS = 2;

export interface AnswerStreamDeps {
  readonly gateways: number;
  readonly signal: AbortSignal | undefined;
  /** The first connection, or the request id of an answer that was begun before. */
  readonly from: ((signal: AbortSignal) => Promise<Response>) | string;
  /** Told the request id, by which the answer can be resumed, before the first event. */
  readonly onBegun?: (requestId: string) => void;
  /** Asks one of the gateways for the events behind `after`; `turn` 0 is the one that was asked last. */
  resume(id: string, after: number, turn: number, signal: AbortSignal): Promise<Response>;
}

/**
 * The events of a streamed answer, each once. When the connection breaks, or the gateway says that its nodes failed, the
 * answer is resumed by its request id, at any of the gateways, as long as one of them knows it.
 *
 * @throws ApiClientError what broke it first, when nobody goes on with it; the signal's reason
 */
export async function* answerStream<T extends object>(deps: AnswerStreamDeps): AsyncGenerator<T> {
  let connection = new Connection(deps.signal);
  let response =
    typeof deps.from === 'string'
      ? await resumed(deps, deps.from, 0, connection, null)
      : await deps.from(connection.signal);
  const id = typeof deps.from === 'string' ? deps.from : (response.headers.get('x-request-id') ?? '');
  deps.onBegun?.(id);
  let position = -1;
  let fruitless = 0;
  let isResumable = /^[0-9a-f]{32}$/.test(id);
  for (;;) {
    try {
      for await (const { data, lastEventId } of connection.events(response)) {
        if (data === SSE_DONE) return;
        const event = parseAnswer<T | ApiErrorBody>(data);
        if ('error' in event) throw refusedBy(event, response);
        if (lastEventId === '') isResumable = false;
        else if (Number(lastEventId) <= position) continue;
        else position = Number(lastEventId);
        fruitless = 0;
        yield event;
      }
      throw brokenAnswer('The stream ended before the answer did.');
    } catch (error) {
      deps.signal?.throwIfAborted();
      if (!isResumable || !isWorthResuming(error) || fruitless > MAX_ROUNDS) throw error;
      if (fruitless++ > 0) await delay(fruitless, deps);
      connection = new Connection(deps.signal);
      response = await resumed(deps, id, Math.max(0, position), connection, error);
    }
  }
}

async function resumed(
  deps: AnswerStreamDeps,
  id: string,
  after: number,
  connection: Connection,
  /** Thrown when nobody goes on with the answer; null for what the last gateway said. */
  reason: unknown,
): Promise<Response> {
  let last: unknown;
  let unknown = 0;
  for (let turn = 0; turn < MAX_ROUNDS * deps.gateways; turn++) {
    const round = Math.floor(turn / deps.gateways);
    if (turn > 0 && turn % deps.gateways === 0) await delay(round, deps);
    try {
      return await deps.resume(id, after, turn, connection.signal);
    } catch (error) {
      deps.signal?.throwIfAborted();
      last = error;
      const status = error instanceof ApiClientError ? error.meta.status : undefined;
      unknown = status === 404 ? unknown + 1 : 0;
      if (unknown >= UNKNOWN_ROUNDS * deps.gateways || (status !== 404 && !isWorthResuming(error)))
        throw reason ?? last;
    }
  }
  throw reason ?? last;
}

/** Whether another attempt may do better: the network failed, a node did, or a gateway is busy or stops. */
function isWorthResuming(error: unknown): boolean {
  // What is too long would be so again.
  if (!(error instanceof ApiClientError) || error.cause instanceof RangeError) return false;
  if (error.code !== 'ERR_API_REFUSED') return true;
  const { type } = error.meta;
  return type === 'shard_unavailable' || type === 'overloaded_error' || type === 'rate_limit_error';
}

/** Longer each time. */
async function delay(time: number, { signal }: AnswerStreamDeps): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, Math.min(FIRST_DELAY_MS * 2 ** time, MAX_DELAY_MS));
  signal?.addEventListener('abort', end);
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener('abort', end);
  signal?.throwIfAborted();
}
