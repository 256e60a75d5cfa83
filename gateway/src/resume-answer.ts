import type { AnswerClaim } from '@blyan/interface';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerFormat } from './answer-form.ts';
import { newRequestId } from './answer-job.ts';
import { begunOf, readRecord } from './answer-record.ts';
import { assertLogitsAllowed } from './assert-logits-allowed.ts';
import type { GatewayContext } from './context.ts';
import { GatewayError } from './errors.ts';
import { inSlot, metered, streamTask } from './serve-answer.ts';

/**
 * Streams the events behind `position`, which are those that the first connection would have got. What the journal has
 * of the answer is not computed again, and a connection that still gets it here is ended.
 *
 * @throws GatewayError ERR_GATEWAY_ANSWER_UNKNOWN, with no word about why
 */
export async function resumeAnswer(
  claim: AnswerClaim,
  position: number,
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  return await inSlot(0, request, reply, context, async (place) => {
    const { slot } = place;
    const leave = await context.live.take(claim, slot);
    try {
      const kept = (await context.journal?.find(claim, slot.signal)) ?? null;
      const record = kept && readRecord(kept.description);
      if (kept === null || record === null) throw unknown();
      assertLogitsAllowed(record.request.returnLogits, request);
      const model = context.catalog.resolve(record.request.modelRoot);
      const tokenizer = context.catalog.tokenizerOf(model);
      const { form, stop, returnTokenIds, tools } = record;
      // A generation of its own: the first one may still be open on its stages.
      const job = { index: 0, request: { ...record.request, requestId: newRequestId() }, stop, returnTokenIds, tools };
      const task = { jobs: [job], tokenizer, format: answerFormat(form, model, tokenizer), form, claim };
      reply.header('x-request-id', claim.id);
      const begun = begunOf(kept, record);
      const resumed = { known: kept.tokens.length, total: begun.end?.completionTokens };
      return await metered(task, resumed, request, context, (meter) =>
        streamTask(task, { ...place, meter, begun, position }, request, reply, context),
      );
    } finally {
      leave();
    }
  });
}

function unknown(): GatewayError {
  return new GatewayError(
    'ERR_GATEWAY_ANSWER_UNKNOWN',
    'No answer can be resumed by this id and key. Streamed answers with one prompt can, until ten minutes after their last token.',
    { kind: 'caller' },
  );
}
