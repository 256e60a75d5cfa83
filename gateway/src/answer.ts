import { setImmediate } from 'node:timers/promises';
import type { BlyanAnswer, FinishReason } from '@blyan/api';
import {
  ANSWER_COMPLETE,
  type Coordinator,
  type GenerateEvent,
  type GenerateRequest,
  type JournalEntry,
  type PlanType,
  type Timing,
  type TokenLogprob,
} from '@blyan/interface';
import type { Tokenizer, ToolCall } from '@blyan/model';
import { AnswerCalls } from './answer-calls.ts';
import { GatewayError } from './errors.ts';
import type { PromptMeter } from './metering/meter.ts';
import { StopStrings } from './stop-strings.ts';
import type { ToolReading } from './tool-asking.ts';
import { untilAborted } from './until-aborted.ts';

/** One prompt to be answered. */
export interface AnswerJob {
  /** Of the choice. */
  readonly index: number;
  readonly request: GenerateRequest;
  readonly stop: readonly string[];
  readonly returnTokenIds: boolean;
  /** Undefined: the answer is text alone. */
  readonly tools?: ToolReading | undefined;
}

export interface AnswerToken {
  readonly tokenId: number;
  /** Where its text begins in the answer, UTF-16 units. */
  readonly textStart: number;
  readonly logprob?: TokenLogprob;
  readonly topLogprobs?: readonly TokenLogprob[];
  readonly logits?: string;
}

export type AnswerEvent =
  | { readonly type: 'start'; readonly plan: PlanType }
  /** Text that may be shown and the tokens it came from; one per token when ids or logits are returned. */
  | {
      readonly type: 'delta';
      readonly text: string;
      readonly tokens: readonly AnswerToken[];
      /** Calls of tools that ended here. */
      readonly calls?: readonly ToolCall[];
      /** Tokens that led to this event and those before it; one more for the rest of the text behind the last token. */
      readonly position: number;
      /** Its tokens were known before this generation. */
      readonly isReplayed?: boolean;
    }
  | ({ readonly type: 'end' } & AnswerEnd);

export interface AnswerEnd {
  readonly finishReason: FinishReason;
  /** The one that ended it; null when none did. */
  readonly stopString: string | null;
  /** Tokens generated, those of a cut stop string included. */
  readonly completionTokens: number;
  readonly blyan: BlyanAnswer;
}

/** What is known of an answer before it is generated. */
export interface Begun {
  /** Fewer than the answer's limit unless the end is known, and without a stop string in them. */
  readonly tokens: readonly number[];
  readonly end: AnswerEnd | null;
}
const NOTHING: Begun = { tokens: [], end: null };

export interface AnswerDeps {
  readonly coordinator: Coordinator;
  readonly tokenizer: Tokenizer;
  /** Gets every token, and at last the `AnswerEnd` as JSON without what the tokens tell. */
  readonly entry?: JournalEntry;
  /** Told what is computed now. */
  readonly meter?: PromptMeter;
}

type Planned = Extract<GenerateEvent, { type: 'plan' }>;
type Done = Extract<GenerateEvent, { type: 'done' }>;

/**
 * Runs one generation and turns its tokens into text: whole code points only, cut before the first stop string. What has
 * begun comes first, exactly as it came then.
 *
 * When a stop string ends the answer, the generation is aborted with the reason `ANSWER_COMPLETE`; a coordinator that
 * then still reports `done` gives the route, otherwise the answer has none and `measured` is what was seen here.
 *
 * @throws what `generate` throws, before or between events; GatewayError ERR_GATEWAY_ANSWER_INCOMPLETE when the events
 *   end without `done`
 */
export async function* answer(
  job: AnswerJob,
  { coordinator, tokenizer, entry, meter }: AnswerDeps,
  signal: AbortSignal,
  begun: Begun = NOTHING,
): AsyncGenerator<AnswerEvent, void> {
  const text = new AnswerText(job, tokenizer);
  if (begun.end !== null) {
    yield { type: 'start', plan: begun.end.blyan.plan };
    yield* replay(text, begun.tokens);
    const rest = text.flush();
    if (rest !== null) yield { ...rest, isReplayed: true };
    yield { type: 'end', ...begun.end, blyan: { ...begun.end.blyan, token_ids: text.tokenIds } };
    return;
  }
  const enough = new AbortController();
  const request = begun.tokens.length === 0 ? job.request : { ...job.request, committedTokens: begun.tokens };
  const events = coordinator.generate(request, AbortSignal.any([signal, enough.signal]));
  const times = new TokenTimes();
  let planned: Planned | undefined;
  let done: Done | undefined;
  try {
    for await (const event of untilAborted(events, signal)) {
      if (event.type === 'plan') {
        planned = event;
        meter?.cached(event.cachedTokens ?? 0);
        yield { type: 'start', plan: event.plan };
        yield* replay(text, begun.tokens);
      } else if (event.type === 'done') {
        done = event;
      } else if (!text.stopped) {
        times.token();
        meter?.came(1);
        entry?.append(event.tokenId);
        // Tokens of a pass come together: those of other answers go back to the engine before anything is made of this one.
        await setImmediate();
        const delta = text.push(event);
        if (delta !== null) yield delta;
        if (text.stopped) enough.abort(ANSWER_COMPLETE);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!text.stopped) throw error;
  }
  if (planned === undefined || (done === undefined && !text.stopped)) {
    throw new GatewayError('ERR_GATEWAY_ANSWER_INCOMPLETE', 'The answer broke off before its end; ask again.');
  }
  const rest = text.flush();
  const end: AnswerEnd = {
    finishReason: text.finishReason(done?.finishReason ?? 'stop'),
    stopString: text.stopString,
    completionTokens: text.tokenCount,
    blyan: reportOf(planned, done, times),
  };
  entry?.end(JSON.stringify(end));
  if (rest !== null) yield rest;
  yield { type: 'end', ...end, blyan: { ...end.blyan, token_ids: text.tokenIds, logits: text.logits } };
}

function* replay(text: AnswerText, tokens: readonly number[]): Generator<AnswerEvent> {
  for (const tokenId of tokens) {
    const delta = text.push({ tokenId });
    if (delta !== null) yield { ...delta, isReplayed: true };
  }
}

function reportOf(planned: Planned, done: Done | undefined, times: TokenTimes): BlyanAnswer {
  return {
    plan: planned.plan,
    profile: planned.profile,
    forecast: planned.forecast,
    measured: done?.measured ?? times.timing(),
    route: done?.route.map((entry) => ({ ...entry, experts: entry.experts?.slice() })),
    failovers: done?.failovers.map((failover) => ({ ...failover, rowsRecomputed: { ...failover.rowsRecomputed } })),
    speculation: done?.speculation,
  };
}

/** When tokens came. */
class TokenTimes {
  readonly #startedAt = performance.now();
  #firstAt = this.#startedAt;
  #lastAt = this.#startedAt;
  #count = 0;

  token(): void {
    this.#lastAt = performance.now();
    if (this.#count++ === 0) this.#firstAt = this.#lastAt;
  }

  timing(): Timing {
    const msPerToken = this.#count > 1 ? (this.#lastAt - this.#firstAt) / (this.#count - 1) : 0;
    return { msToFirstToken: this.#firstAt - this.#startedAt, msPerToken };
  }
}

/** The text of one answer as it grows. */
class AnswerText {
  stopString: string | null = null;
  tokenCount = 0;
  readonly tokenIds: number[] | undefined;
  readonly logits: string[] | undefined;
  readonly #decoder: ReturnType<Tokenizer['streamDecoder']>;
  readonly #stops: StopStrings;
  readonly #calls: AnswerCalls | null;
  readonly #isPerToken: boolean;
  #decoded = 0;
  #shown = 0;
  #waiting: AnswerToken[] = [];

  constructor(job: AnswerJob, tokenizer: Tokenizer) {
    this.tokenIds = job.returnTokenIds ? [] : undefined;
    this.logits = job.request.returnLogits === undefined ? undefined : [];
    this.#isPerToken = this.tokenIds !== undefined || this.logits !== undefined;
    this.#decoder = tokenizer.streamDecoder();
    this.#stops = new StopStrings(job.stop);
    this.#calls = job.tools ? new AnswerCalls(job.tools) : null;
  }

  /** Nothing that comes is wanted any more. */
  get stopped(): boolean {
    return this.stopString !== null || this.#calls?.isComplete === true;
  }

  /** @param generated why the generation ended, unless it was stopped */
  finishReason(generated: 'stop' | 'length'): FinishReason {
    const reason = this.stopped ? 'stop' : generated;
    return reason === 'stop' && this.#calls?.any ? 'tool_calls' : reason;
  }

  /** What this token lets be shown; null when that is nothing. */
  push(
    event: Omit<Extract<GenerateEvent, { type: 'token' }>, 'type' | 'index'>,
  ): Extract<AnswerEvent, { type: 'delta' }> | null {
    this.tokenCount += 1;
    this.tokenIds?.push(event.tokenId);
    if (event.logits !== undefined) this.logits?.push(event.logits);
    const { tokenId, logprob, topLogprobs, logits } = event;
    this.#waiting.push({ tokenId, textStart: this.#decoded, logprob, topLogprobs, logits });
    const piece = this.#decoder.push(tokenId);
    this.#decoded += piece.length;
    const { text, found } = this.#stops.push(piece);
    this.stopString = found;
    return this.#show(text, this.#isPerToken ? 'all' : 'shown', this.tokenCount, found !== null);
  }

  /** The rest of the text, after the last token. */
  flush(): Extract<AnswerEvent, { type: 'delta' }> | null {
    if (this.stopped) return null;
    const last = this.#stops.push(this.#decoder.flush());
    this.stopString = last.found;
    const rest = last.text + (this.stopped ? '' : this.#stops.flush());
    return this.#show(rest, this.stopped ? 'shown' : 'all', this.tokenCount + 1, true);
  }

  /** Tokens that begin in what is shown go with it; those behind it wait, or are cut with their stop string. */
  #show(
    piece: string,
    which: 'all' | 'shown',
    position: number,
    isLast = false,
  ): Extract<AnswerEvent, { type: 'delta' }> | null {
    const { text, calls, released } = this.#calls?.read(piece, isLast) ?? {
      text: piece,
      calls: [],
      released: piece.length,
    };
    this.#shown += released;
    const tokens = this.#waiting.filter((token) => which === 'all' || token.textStart < this.#shown);
    if (text === '' && tokens.length === 0 && calls.length === 0) return null;
    this.#waiting = this.#waiting.slice(tokens.length);
    return { type: 'delta', text, tokens, ...(calls.length > 0 && { calls }), position };
  }
}
