import type { ServedModel } from '@blyan/interface';
import type { Tokenizer } from '@blyan/model';
import { z } from 'zod';
import type { AnswerFormat } from './formats/answer-format.ts';
import { chatFormat } from './formats/chat-format.ts';
import { completionFormat } from './formats/completion-format.ts';

/** What the events of one answer have in common, whichever gateway sends them. */
export const answerForm = z.object({
  route: z.enum(['chat.completions', 'completions']),
  /** Of the answer, as `chatcmpl-…`. */
  id: z.string().max(64),
  /** Seconds since the epoch. */
  created: z.int(),
  /** As the client named it. */
  model: z.string().max(512),
  includeUsage: z.boolean(),
  /** Alternatives per token; absent when log probabilities are not wanted. */
  topLogprobs: z.int().min(0).max(20).optional(),
});
export type AnswerForm = z.infer<typeof answerForm>;

export function answerFormat(form: AnswerForm, model: ServedModel, tokenizer: Tokenizer): AnswerFormat {
  const make = form.route === 'completions' ? completionFormat : chatFormat;
  return make(form, model, tokenizer);
}
