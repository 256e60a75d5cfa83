import type { PlanType } from '@blyan/interface';
import type { AnswerEvent } from './answer.ts';
import type { AnswerOutcome, GatewayMetrics } from './metrics.ts';

/** Passes the events of one answer on and counts them; tokens that were known before are not counted again. */
export async function* observeAnswer(
  events: AsyncIterable<AnswerEvent>,
  route: string,
  promptTokens: number,
  metrics: GatewayMetrics,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void> {
  let plan: PlanType | undefined;
  let isFirst = true;
  let lastAt = performance.now();
  let outcome: AnswerOutcome = 'failed';
  try {
    for await (const event of events) {
      if (event.type === 'start') {
        plan = event.plan;
        metrics.promptAccepted(promptTokens);
      } else if (event.type === 'end') {
        outcome = event.finishReason === 'length' ? 'length' : 'stop';
      } else if (plan !== undefined && !event.isReplayed) {
        const now = performance.now();
        for (const _ of event.tokens) {
          metrics.tokenCame(plan, isFirst, (now - lastAt) / 1000 / event.tokens.length);
          isFirst = false;
        }
        lastAt = now;
      }
      yield event;
    }
  } finally {
    if (outcome === 'failed' && signal.aborted) outcome = 'cancelled';
    metrics.answerEnded(route, outcome);
  }
}
