import type { GenerateRequest } from '@blyan/interface';
import type { SampledToken } from '../messages.ts';
import type { ModelView } from '../model-view.ts';
import type { PlanRun } from './run-plan.ts';

/**
 * The tokens of an answer, one by one, until the length is reached or an end-of-sequence token comes (which is not
 * emitted). Tokens that are committed already go before them and are not emitted. Returns why it ended.
 */
export async function* generateTokens(
  run: PlanRun,
  model: ModelView,
  request: GenerateRequest,
): AsyncGenerator<SampledToken, 'stop' | 'length'> {
  const ends = new Set(request.ignoreEos ? [] : model.spec.eosTokenIds);
  const room = model.spec.contextLength - request.promptTokens.length;
  const limit = Math.min(request.maxTokens, room);
  let token = await run.prefill();
  for (let count = 1 + (request.committedTokens?.length ?? 0); ; count++) {
    if (ends.has(token.tokenId)) return 'stop';
    yield token;
    if (count >= limit) return 'length';
    token = await run.decode(token.tokenId);
  }
}
