import type { ServedModel } from '@blyan/interface';
import type { Tokenizer } from '@blyan/model';
import { z } from 'zod';
import type { AnswerFormat } from './formats/answer-format.ts';
import { chatFormat } from './formats/chat-format.ts';
import { completionFormat } from './formats/completion-format.ts';
import { messagesFormat } from './formats/messages-format.ts';
import { ollamaFormat } from './formats/ollama-format.ts';
import { responsesFormat } from './formats/responses-format.ts';

/** What the events of one answer have in common, whichever gateway sends them. */
export const answerForm = z.object({
  route: z.enum(['chat.completions', 'completions', 'responses', 'messages', 'ollama.chat', 'ollama.generate']),
  /** Of the answer, as `chatcmpl-…`. */
  id: z.string().max(64),
  /** Seconds since the epoch. */
  created: z.int(),
  /** As the client named it. */
  model: z.string().max(512),
  includeUsage: z.boolean(),
  /** Alternatives per token; absent when log probabilities are not wanted. */
  topLogprobs: z.int().min(0).max(20).optional(),
  /** Of responses, which repeat it; absent means text. */
  textFormat: z.looseObject({ type: z.string().max(64) }).optional(),
});
export type AnswerForm = z.infer<typeof answerForm>;

/** The same from every gateway that sends the answer. */
export function callId({ id }: AnswerForm, index: number): string {
  return `call_${id.slice(-24)}${index}`;
}

export function answerFormat(form: AnswerForm, model: ServedModel, tokenizer: Tokenizer): AnswerFormat {
  switch (form.route) {
    case 'completions':
      return completionFormat(form, model, tokenizer);
    case 'chat.completions':
      return chatFormat(form, model, tokenizer);
    case 'responses':
      return responsesFormat(form);
    case 'messages':
      return messagesFormat(form);
    case 'ollama.chat':
    case 'ollama.generate':
      return ollamaFormat(form);
  }
}
