import { type BlyanAnswer, type BlyanChunk, QUOTE_HEADER, type Usage } from '@blyan/api';
import type { AnswerClaim, JournalEntry } from '@blyan/interface';
import type { Tokenizer, ToolCall } from '@blyan/model';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AnswerEvent, type AnswerJob, type AnswerToken, answer, type Begun } from './answer.ts';
import type { AnswerForm } from './answer-form.ts';
import { describeAnswer } from './answer-record.ts';
import type { AnswerSlot } from './answer-slots.ts';
import { ClientStream } from './client-stream.ts';
import type { GatewayContext } from './context.ts';
import type { AnswerFormat, FinishedAnswer, Frame } from './formats/answer-format.ts';
import { toHttpError } from './http-errors.ts';
import { openTicket, outcomeOf } from './limits/answer-ticket.ts';
import type { Ticket } from './limits/limits.ts';
import { type Meter, UNMETERED } from './metering/meter.ts';
import { observeAnswer } from './observe-answer.ts';

/** What a route wants answered, and how it is spelt. */
export interface AnswerTask {
  readonly jobs: readonly AnswerJob[];
  readonly tokenizer: Tokenizer;
  readonly form: AnswerForm;
  readonly format: AnswerFormat;
  /** Whose answer it is. */
  readonly claim: AnswerClaim;
}

/** Where a stream begins. */
interface Start {
  readonly slot: AnswerSlot;
  /** Counts the tokens that come. */
  readonly ticket: Ticket;
  /** Charges for them. */
  readonly meter: Meter;
  readonly begun?: Begun;
  /** The last event that the client has; undefined for a new answer. */
  readonly position?: number;
}

type End = Extract<AnswerEvent, { type: 'end' }>;

/** Answers a request as one JSON body. */
export async function wholeAnswer(
  task: AnswerTask,
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<object> {
  return await inSlot(promptTokensOf(task), request, reply, context, (place) =>
    metered(task, {}, request, context, (meter) => wholeAnswers(task, { ...place, meter }, context)),
  );
}

/**
 * Answers a request as a stream. Headers go out when the first event is there: what fails before it becomes a status with
 * a JSON body, what fails later the last event of the stream.
 */
export async function streamAnswer(
  task: AnswerTask,
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  return await inSlot(promptTokensOf(task), request, reply, context, async (place) => {
    const leave = await context.live.take(task.claim, place.slot);
    try {
      return await metered(task, {}, request, context, (meter) =>
        streamTask(task, { ...place, meter }, request, reply, context),
      );
    } finally {
      leave();
    }
  });
}

/**
 * Runs what computes an answer in a slot of the gateway and within the limits of whoever asks.
 *
 * @throws GatewayError what a slot or a limit refuses, and what `run` throws
 */
export async function inSlot<T>(
  promptTokens: number,
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
  run: (place: { readonly slot: AnswerSlot; readonly ticket: Ticket }) => Promise<T>,
): Promise<T> {
  const slot = context.slots.open(reply.raw);
  try {
    const ticket = await openTicket(promptTokens, request, reply, context);
    try {
      return await run({ slot, ticket });
    } finally {
      ticket.close(outcomeOf(slot.signal));
    }
  } finally {
    slot.close();
  }
}

/**
 * Runs what computes an answer once what it may cost is set aside, and charges what came, however it ended.
 *
 * @param resumed of an answer that is resumed: how many of its tokens are known, and all it has if it is complete
 * @throws GatewayError ERR_GATEWAY_CREDIT; what a ledger throws, and what `run` throws
 */
export async function metered<T>(
  task: AnswerTask,
  resumed: { readonly known?: number; readonly total?: number },
  request: FastifyRequest,
  { metering, catalog }: GatewayContext,
  run: (meter: Meter) => Promise<T>,
): Promise<T> {
  const [job] = task.jobs;
  if (metering === null || job === undefined) return await run(UNMETERED);
  const most = task.jobs.reduce((sum, { request: { maxTokens } }) => sum + maxTokens, 0);
  const meter = await metering.open({
    id: task.claim.id,
    requestId: request.id,
    principal: request.principal,
    model: catalog.resolve(job.request.modelRoot),
    tokens: { prompt: promptTokensOf(task), cached: 0, completion: resumed.total ?? most },
    known: resumed.known,
    // A resumed answer is charged by the quote it began with.
    quote: resumed.known === undefined ? quoteOf(request) : undefined,
  });
  try {
    return await run(meter);
  } finally {
    meter.close();
  }
}

function quoteOf({ headers }: FastifyRequest): string | undefined {
  const quote = headers[QUOTE_HEADER];
  return typeof quote === 'string' ? quote : undefined;
}

/** The events of all prompts, one after the other. */
async function* answers(
  task: AnswerTask,
  { slot: { signal }, ticket, meter, begun }: Start,
  { coordinator, metrics }: GatewayContext,
  entry?: JournalEntry,
) {
  for (const job of task.jobs) {
    const { promptTokens } = job.request;
    const counts = meter.prompt(promptTokens.length, begun?.tokens.length ?? 0);
    const deps = { coordinator, tokenizer: task.tokenizer, entry, meter: counts };
    const events = answer(job, deps, signal, begun);
    const observed = observeAnswer(events, task.format.route, promptTokens.length, metrics, signal);
    for await (const event of observed) {
      if (event.type === 'end') counts.came(0);
      if (event.type === 'delta' && !event.isReplayed) ticket.used(event.tokens.length);
      yield { job, event };
    }
  }
}

async function wholeAnswers(task: AnswerTask, start: Start, context: GatewayContext): Promise<object> {
  const finished: FinishedAnswer[] = [];
  const ends: End[] = [];
  let text = '';
  let tokens: AnswerToken[] = [];
  let calls: ToolCall[] = [];
  for await (const { job, event } of answers(task, start, context)) {
    if (event.type === 'delta') {
      text += event.text;
      tokens.push(...event.tokens);
      calls.push(...(event.calls ?? []));
    } else if (event.type === 'end') {
      const { finishReason, stopString } = event;
      finished.push({ index: job.index, text, tokens, calls, finishReason, stopString });
      ends.push(event);
      text = '';
      tokens = [];
      calls = [];
    }
  }
  return task.format.whole(finished, usageOf(task, ends), blyanOf(ends, start.meter));
}

/**
 * Streams the events behind the start's position. Each has an id when the answer can be resumed: the number of tokens
 * that led to it and to those before it; the events behind the last token count on.
 */
export async function streamTask(
  task: AnswerTask,
  start: Start,
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  const { format } = task;
  const entry = openEntry(task, start, context);
  const events = answers(task, start, context, entry);
  let step: Awaited<ReturnType<typeof events.next>>;
  try {
    step = await events.next();
  } catch (error) {
    if (start.begun === undefined) entry?.discard();
    else entry?.close();
    throw error;
  }
  const stream = new ClientStream(format.transport, reply, start.slot, context.options);
  const seen = start.position || -1;
  const send = async (position: number, frames: readonly Frame[]) => {
    if (position > seen) await stream.send(frames, task.jobs.length === 1 ? position : undefined);
  };
  const ends: End[] = [];
  try {
    await send(0, format.opening(promptTokensOf(task)));
    for (; !step.done; step = await events.next()) {
      const { job, event } = step.value;
      if (event.type === 'delta') {
        const { text, tokens, calls = [], position } = event;
        await send(position, format.delta({ index: job.index, text, tokens, calls }, tokenReport(job, tokens)));
      } else if (event.type === 'end') {
        ends.push(event);
        const isLast = ends.length === task.jobs.length;
        const frames = format.finish(job.index, event, isLast ? blyanOf(ends, start.meter) : undefined);
        await send(event.completionTokens + 2, frames);
      }
    }
    const usage = usageOf(task, ends);
    await send(usage.completion_tokens + 3, format.closing(usage, blyanOf(ends, start.meter)));
    stream.done(format.terminator);
  } catch (error) {
    context.reportFailure(error, request);
    stream.fail(format.failure(toHttpError(error, request.id).body));
  } finally {
    entry?.close();
    // What failed may be the sending: then nobody would ever ask the generation for more, and it would never end.
    await events.return();
  }
  return reply;
}

/** Answers of one prompt are written down; one that is complete already stays as it is. */
function openEntry(task: AnswerTask, { begun }: Start, { journal }: GatewayContext): JournalEntry | undefined {
  const [job] = task.jobs;
  if (journal === null || job === undefined || task.jobs.length > 1 || begun?.end) return undefined;
  return journal.open(task.claim, describeAnswer(task.form, job), begun?.tokens);
}

/** Id and logits of the token that a chunk is for, as far as they were asked for. */
function tokenReport(job: AnswerJob, tokens: readonly AnswerToken[]): BlyanChunk | undefined {
  const isPerToken = job.returnTokenIds || job.request.returnLogits !== undefined;
  const [token] = tokens;
  if (!isPerToken || token === undefined) return undefined;
  return { token_id: job.returnTokenIds ? token.tokenId : undefined, logits: token.logits };
}

function promptTokensOf({ jobs }: AnswerTask): number {
  return jobs.reduce((sum, { request }) => sum + request.promptTokens.length, 0);
}

function usageOf(task: AnswerTask, ends: readonly End[]): Usage {
  const prompt_tokens = promptTokensOf(task);
  const completion_tokens = ends.reduce((sum, end) => sum + end.completionTokens, 0);
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function blyanOf(ends: readonly End[], meter: Meter): BlyanAnswer {
  const [first, ...others] = ends.map((end) => end.blyan);
  if (first === undefined) throw new RangeError('There is no answer to report on');
  const choices = others.length === 0 ? undefined : others.map((other, at) => ({ index: at + 1, ...other }));
  return { ...first, choices, cost: meter.cost() };
}
