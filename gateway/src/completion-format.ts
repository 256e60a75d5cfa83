import type { Completion, CompletionChunk } from '@blyan/api';
import type { ServedModel } from '@blyan/interface';
import type { Tokenizer } from '@blyan/model';
import type { AnswerToken } from './answer.ts';
import type { AnswerForm } from './answer-form.ts';
import type { AnswerFormat } from './answer-format.ts';
import { completionLogprobs } from './logprobs.ts';

type ChunkChoice = CompletionChunk['choices'][number];

/** Answers as `text_completion`, one choice per prompt. */
export function completionFormat(form: AnswerForm, model: ServedModel, tokenizer: Tokenizer): AnswerFormat {
  const { topLogprobs } = form;
  const head = {
    id: form.id,
    object: 'text_completion' as const,
    created: form.created,
    model: form.model,
    system_fingerprint: `fp_${model.root.slice(0, 16)}`,
  };
  const logprobsOf = (tokens: readonly AnswerToken[]) =>
    topLogprobs === undefined ? null : completionLogprobs(tokens, tokenizer, topLogprobs);
  return {
    route: 'completions',
    includeUsage: form.includeUsage,
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
