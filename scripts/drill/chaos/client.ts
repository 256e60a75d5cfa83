import { setTimeout as delay } from 'node:timers/promises';
import { type BlyanChunk, readSse, SSE_DONE } from '@blyan/api';
import type { Failover, PlanChoice } from '@blyan/interface';
import type { ChaosQuestion } from './questions.ts';

/** What one client went through for one answer. Times are `performance.now()`. */
export interface ChaosAnswer {
  readonly outcome: 'right' | 'wrong' | 'none';
  /** Why there is none, or what is wrong. */
  readonly detail: string;
  /** What was asked for. */
  readonly plan: PlanChoice;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly failovers: readonly Failover[];
  /** Longest wait between two tokens, milliseconds. */
  readonly longestGapMs: number;
  /** The answer was taken up again at another connection. */
  readonly resumes: number;
  /** Error events in the stream, by code. */
  readonly errors: readonly string[];
}

export interface ClientDeps {
  readonly model: string;
  /** A gateway to turn to; they may be dead. */
  readonly pickGateway: () => string;
  readonly onConnected: (gateway: string) => void;
  readonly signal: AbortSignal;
}

/** An answer takes seconds, on a machine with other work a minute; one that takes this long is none. */
const DEADLINE_MS = 240_000;
const PAUSE_MS = 100;
const LONGEST_RETRY_AFTER_MS = 2_000;

/** Asks, and turns to another gateway with the id of the request whenever the one that answers is lost. */
export async function chaosAnswer(question: ChaosQuestion, deps: ClientDeps): Promise<ChaosAnswer> {
  const stream = new AnswerStream(question, deps);
  const beganMs = performance.now();
  let last = 'no gateway answered';
  while (performance.now() < beganMs + DEADLINE_MS && !deps.signal.aborted) {
    try {
      const waitMs = await stream.attempt();
      if (stream.isDone) break;
      last = stream.lastError;
      await delay(waitMs);
    } catch (error) {
      last = `the connection was lost: ${describe(error)}`;
      await delay(PAUSE_MS);
    }
  }
  const { tokens, failovers, longestGapMs, connections, errors } = stream;
  const rest = { plan: question.plan, beganMs, endedMs: performance.now(), failovers, longestGapMs, errors };
  const resumes = Math.max(0, connections - 1);
  if (!stream.isDone) {
    const detail = `${tokens.length} of ${question.expected.length} tokens came; ${last}`;
    return { ...rest, outcome: 'none', detail, resumes };
  }
  const at = question.expected.findIndex((token, index) => token !== tokens[index]);
  if (at < 0 && tokens.length === question.expected.length) return { ...rest, outcome: 'right', detail: '', resumes };
  const detail = `token ${at} of ${tokens.length} differs, plan ${question.plan}, ${resumes} resumes`;
  return { ...rest, outcome: 'wrong', detail, resumes };
}

class AnswerStream {
  readonly tokens: number[] = [];
  readonly errors: string[] = [];
  failovers: readonly Failover[] = [];
  longestGapMs = 0;
  connections = 0;
  isDone = false;
  lastError = '';
  readonly #question: ChaosQuestion;
  readonly #deps: ClientDeps;
  #id: string | null = null;
  #lastTokenMs = Number.NaN;

  constructor(question: ChaosQuestion, deps: ClientDeps) {
    this.#question = question;
    this.#deps = deps;
  }

  /** One connection; returns how long to wait before the next one if the answer is not complete. Throws when it is lost. */
  async attempt(): Promise<number> {
    const gateway = this.#deps.pickGateway();
    const response = await this.#connect(gateway);
    if (!response.ok || response.body === null) {
      this.lastError = `HTTP ${response.status}: ${(await response.text()).slice(0, 200)}`;
      const seconds = Number(response.headers.get('retry-after'));
      return seconds > 0 ? Math.min(seconds * 1000, LONGEST_RETRY_AFTER_MS) : PAUSE_MS;
    }
    this.#id ??= response.headers.get('x-request-id');
    this.connections++;
    this.#deps.onConnected(gateway);
    for await (const data of readSse(response.body)) {
      if (data === SSE_DONE) {
        this.isDone = this.errors.length === 0 || this.tokens.length === this.#question.expected.length;
        break;
      }
      if (this.#read(JSON.parse(data))) break;
    }
    this.lastError ||= 'the stream ended early';
    return PAUSE_MS;
  }

  #connect(gateway: string): Promise<Response> {
    const { model, signal } = this.#deps;
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
    if (this.#id !== null)
      return fetch(`${gateway}/api/v1/requests/${this.#id}/stream?after=${this.tokens.length}`, { signal: bounded });
    const { prompt, plan, expected } = this.#question;
    const blyan = { plan, return_token_ids: true };
    const rest = { temperature: 0, stream: true, ignore_eos: true, blyan };
    const body = { model, prompt, max_tokens: expected.length, ...rest };
    const headers = { 'content-type': 'application/json' };
    return fetch(`${gateway}/v1/completions`, { method: 'POST', headers, body: JSON.stringify(body), signal: bounded });
  }

  /** Whether the stream has broken with an error event. */
  #read(chunk: { error?: { code?: string; message?: string }; blyan?: BlyanChunk }): boolean {
    if (chunk.error !== undefined) {
      this.errors.push(chunk.error.code ?? 'unknown');
      this.lastError = `${chunk.error.code}: ${chunk.error.message}`;
      return true;
    }
    const { token_id: token, failovers } = chunk.blyan ?? {};
    if (failovers !== undefined) this.failovers = failovers;
    if (token === undefined) return false;
    this.tokens.push(token);
    const now = performance.now();
    if (!Number.isNaN(this.#lastTokenMs)) this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastTokenMs);
    this.#lastTokenMs = now;
    return false;
  }
}

function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${(cause as NodeJS.ErrnoException).code ?? cause.message})` : message;
}
