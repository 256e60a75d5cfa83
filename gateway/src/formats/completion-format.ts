import type { BlyanChunk, Completion, CompletionChunk } from '@blyan/api';
import type { ServedModel } from '@blyan/interface';
import type { Tokenizer } from '@blyan/model';
import type { AnswerToken } from '../answer.ts';
import type { AnswerForm } from '../answer-form.ts';
import { completionLogprobs } from '../logprobs.ts';
import type { AnswerFormat, Frame } from './answer-format.ts';
import { OPENAI_STREAM, usageFrames } from './openai-stream.ts';

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
  const chunk = (choice: ChunkChoice, blyan?: BlyanChunk): Frame[] => [
    { data: { ...head, choices: [choice], ...(blyan && { blyan }) } },
  ];
  return {
    ...OPENAI_STREAM,
    route: 'completions',
    whole(answers, usage, blyan): Completion {
      const choices = answers.map(({ index, text, tokens, finishReason }) => ({
        text,
        index,
        logprobs: logprobsOf(tokens),
        finish_reason: finishReason,
      }));
      return { ...head, choices, usage, blyan };
    },
    opening: () => [],
    delta: ({ index, text, tokens }, report) =>
      chunk({ text, index, logprobs: logprobsOf(tokens), finish_reason: null }, report),
    finish: (index, { finishReason }, report) =>
      chunk({ text: '', index, logprobs: null, finish_reason: finishReason }, report),
    closing: (usage) => usageFrames(form, head, usage),
  };
}
