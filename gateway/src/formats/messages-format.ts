import { type ApiErrorBody, MESSAGES_ERROR_TYPES, type MessagesAnswer, type Usage } from '@blyan/api';
import type { AnswerForm } from '../answer-form.ts';
import type { AnswerEnding, AnswerFormat, Frame } from './answer-format.ts';

/** Answers as Anthropic's `message` and the events of its streams. */
export function messagesFormat(form: AnswerForm): AnswerFormat {
  const head = { id: form.id, type: 'message' as const, role: 'assistant' as const, model: form.model };
  let ending: AnswerEnding = { finishReason: 'stop', stopString: null };
  const frame = (type: string, fields: object = {}): Frame => ({ event: type, data: { type, ...fields } });
  return {
    route: 'messages',
    transport: 'sse',
    terminator: null,
    whole([answer], usage, blyan): MessagesAnswer {
      if (answer === undefined) throw new RangeError('A message has one answer');
      const content = [{ type: 'text' as const, text: answer.text }];
      return { ...head, content, ...stopOf(answer), usage: usageOf(usage), blyan };
    },
    opening(promptTokens) {
      const usage = { input_tokens: promptTokens, output_tokens: 0 };
      const message = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
      const block = { index: 0, content_block: { type: 'text', text: '' } };
      return [frame('message_start', { message }), frame('content_block_start', block), frame('ping')];
    },
    delta: ({ text }) => [frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })],
    finish(_index, how) {
      ending = how;
      return [frame('content_block_stop', { index: 0 })];
    },
    closing: (usage, blyan) => [
      frame('message_delta', { delta: stopOf(ending), usage: usageOf(usage), blyan }),
      frame('message_stop'),
    ],
    failure: (error) => ({ event: 'error', data: messagesError(error, 500) }),
  };
}

/** The body of an error as Anthropic's clients read it. */
export function messagesError({ error }: ApiErrorBody, status: number): object {
  const type = MESSAGES_ERROR_TYPES[status] ?? (error.type === 'shard_unavailable' ? 'overloaded_error' : 'api_error');
  const { message, param, code } = error;
  return { type: 'error', error: { type, message, param, code } };
}

function stopOf({ finishReason, stopString }: AnswerEnding) {
  if (stopString !== null) return { stop_reason: 'stop_sequence' as const, stop_sequence: stopString };
  return {
    stop_reason: finishReason === 'length' ? ('max_tokens' as const) : ('end_turn' as const),
    stop_sequence: null,
  };
}

function usageOf({ prompt_tokens, completion_tokens }: Usage) {
  return { input_tokens: prompt_tokens, output_tokens: completion_tokens };
}
