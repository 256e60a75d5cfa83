import type { ApiErrorBody, Usage } from '@blyan/api';
import { SSE_DONE } from '@blyan/api';
import type { AnswerForm } from '../answer-form.ts';
import type { Frame } from './answer-format.ts';

/** What the streams of chat and text completions have in common. */
export const OPENAI_STREAM = {
  transport: 'sse' as const,
  terminator: SSE_DONE,
  failure: (error: ApiErrorBody): Frame => ({ data: error }),
};

/** The extra last event, where the client asked for it. */
export function usageFrames(form: AnswerForm, head: object, usage: Usage): Frame[] {
  return form.includeUsage ? [{ data: { ...head, choices: [], usage } }] : [];
}
