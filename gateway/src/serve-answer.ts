import type { BlyanAnswer, BlyanChunk, Usage } from '@blyan/api';
import type { Tokenizer } from '@blyan/model';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AnswerEvent, type AnswerJob, type AnswerToken, answer } from './answer.ts';
import type { AnswerFormat, FinishedAnswer } from './answer-format.ts';
import type { AnswerSlot } from './answer-slots.ts';
import type { GatewayContext } from './context.ts';
import { toHttpError } from './http-errors.ts';
import { observeAnswer } from './observe-answer.ts';
import { SseStream } from './sse-stream.ts';

/** What a route wants answered, and how it is spelt. */
export interface AnswerTask {
  readonly jobs: readonly AnswerJob[];
  readonly tokenizer: Tokenizer;
  readonly format: AnswerFormat;
  readonly stream: boolean;
}

type End = Extract<AnswerEvent, { type: 'end' }>;

/**
 * Answers a request as one JSON body or as a stream. Headers go out when the first event is there: what fails before
 * it becomes a status with a JSON body, what fails later the last event of the stream.
 */
export async function serveAnswer(
  task: AnswerTask,
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  const slot = context.slots.open(reply.raw);
  try {
    return task.stream
      ? await streamAnswers(task, slot, request, reply, context)
      : reply.send(await wholeAnswers(task, slot, context));
  } finally {
    slot.close();
  }
}

/** The events of all prompts, one after the other. */
async function* answers(task: AnswerTask, { signal }: AnswerSlot, { coordinator, metrics }: GatewayContext) {
  for (const job of task.jobs) {
    const events = answer(job, coordinator, task.tokenizer, signal);
    const observed = observeAnswer(events, task.format.route, job.request.promptTokens.length, metrics, signal);
    for await (const event of observed) yield { job, event };
  }
}

async function wholeAnswers(task: AnswerTask, slot: AnswerSlot, context: GatewayContext): Promise<object> {
  const finished: FinishedAnswer[] = [];
  const ends: End[] = [];
  let text = '';
  let tokens: AnswerToken[] = [];
  for await (const { job, event } of answers(task, slot, context)) {
    if (event.type === 'delta') {
      text += event.text;
      tokens.push(...event.tokens);
    } else if (event.type === 'end') {
      finished.push({ index: job.index, text, tokens, finishReason: event.finishReason });
      ends.push(event);
      text = '';
      tokens = [];
    }
  }
  return task.format.whole(finished, usageOf(task, ends), blyanOf(ends));
}

async function streamAnswers(
  task: AnswerTask,
  slot: AnswerSlot,
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  const { format } = task;
  const events = answers(task, slot, context);
  let step = await events.next();
  const sse = new SseStream(reply, context.options.keepAliveMs);
  const send = (choices: object[], more: object = {}) =>
    sse.send({ ...format.chunkHead(), choices, ...more }, slot.signal);
  const ends: End[] = [];
  try {
    const opening = format.openingChoice();
    if (opening !== null) await send([opening]);
    for (; !step.done; step = await events.next()) {
      const { job, event } = step.value;
      if (event.type === 'delta') {
        const blyan = tokenReport(job, event.tokens);
        await send([format.deltaChoice({ index: job.index, ...event })], blyan && { blyan });
      } else if (event.type === 'end') {
        ends.push(event);
        const isLast = ends.length === task.jobs.length;
        await send([format.finishChoice(job.index, event.finishReason)], isLast ? { blyan: blyanOf(ends) } : {});
      }
    }
    if (format.includeUsage) await send([], { usage: usageOf(task, ends) });
    sse.done();
  } catch (error) {
    context.reportFailure(error, request);
    sse.fail(toHttpError(error, request.id).body);
  } finally {
    // What failed may be the sending: then nobody would ever ask the generation for more, and it would never end.
    await events.return();
  }
  return reply;
}

/** Id and logits of the token that a chunk is for, as far as they were asked for. */
function tokenReport(job: AnswerJob, tokens: readonly AnswerToken[]): BlyanChunk | undefined {
  const isPerToken = job.returnTokenIds || job.request.returnLogits !== undefined;
  const [token] = tokens;
  if (!isPerToken || token === undefined) return undefined;
  return { token_id: job.returnTokenIds ? token.tokenId : undefined, logits: token.logits };
}

function usageOf(task: AnswerTask, ends: readonly End[]): Usage {
  const prompt_tokens = task.jobs.reduce((sum, { request }) => sum + request.promptTokens.length, 0);
  const completion_tokens = ends.reduce((sum, end) => sum + end.completionTokens, 0);
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function blyanOf(ends: readonly End[]): BlyanAnswer {
  const [first, ...others] = ends.map((end) => end.blyan);
  if (first === undefined) throw new RangeError('There is no answer to report on');
  return others.length === 0 ? first : { ...first, choices: others.map((other, at) => ({ index: at + 1, ...other })) };
}
