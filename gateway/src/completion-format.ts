import { randomBytes } from 'node:crypto';
import type { Completion, CompletionChunk, ParsedCompletionRequest } from '@blyan/api';
import type { ServedModel } from '@blyan/interface';
import type { Tokenizer } from '@blyan/model';
import type { AnswerToken } from './answer.ts';
import type { AnswerFormat } from './answer-format.ts';
import { completionLogprobs } from './logprobs.ts';

type ChunkChoice = CompletionChunk['choices'][number];

/** Answers as `text_completion`, one choice per prompt. */
export function completionFormat(
  request: ParsedCompletionRequest,
  model: ServedModel,
  tokenizer: Tokenizer,
  createdAtMs: number,
): AnswerFormat {
  const head = {
    id: `cmpl-${randomBytes(16).toString('hex')}`,
    object: 'text_completion' as const,
    created: Math.floor(createdAtMs / 1000),
    model: request.model,
    system_fingerprint: `fp_${model.root.slice(0, 16)}`,
  };
  const logprobsOf = (tokens: readonly AnswerToken[]) =>
    request.logprobs === undefined ? null : completionLogprobs(tokens, tokenizer, request.logprobs);
  return {
    route: 'completions',
    includeUsage: request.stream_options?.include_usage === true,
    whole(answers, usage, blyan): Completion {
      const choices = answers.map(({ index, text, tokens, finishReason }) => ({
        text,
        index,
        logprobs: logprobsOf(tokens),
        finish_reason: finishReason,
      }));
      return { ...head, choices, usage, blyan };
    },
    chunkHead: () => head,
    openingChoice: () => null,
    deltaChoice: ({ index, text, tokens }): ChunkChoice => ({
      text,
      index,
      logprobs: logprobsOf(tokens),
      finish_reason: null,
    }),
    finishChoice: (index, finish_reason): ChunkChoice => ({ text: '', index, logprobs: null, finish_reason }),
  };
}
