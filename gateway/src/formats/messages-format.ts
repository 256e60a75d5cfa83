import { type ApiErrorBody, MESSAGES_ERROR_TYPES, type MessagesAnswer, type Usage } from '@blyan/api';
import type { ToolCall } from '@blyan/model';
import { type AnswerForm, callId } from '../answer-form.ts';
import type { AnswerEnding, AnswerFormat, Frame } from './answer-format.ts';

/** Answers as Anthropic's `message` and the events of its streams. */
export function messagesFormat(form: AnswerForm): AnswerFormat {
  const head = { id: form.id, type: 'message' as const, role: 'assistant' as const, model: form.model };
  let ending: AnswerEnding = { finishReason: 'stop', stopString: null };
  const frame = (type: string, fields: object = {}): Frame => ({ event: type, data: { type, ...fields } });
  /** Of the newest block. */
  let index = -1;
  let isOpen = false;
  let callCount = 0;
  const opened = (content_block: object): Frame[] => {
    isOpen = true;
    return [frame('content_block_start', { index: ++index, content_block })];
  };
  const closed = (): Frame[] => {
    const wasOpen = isOpen;
    isOpen = false;
    return wasOpen ? [frame('content_block_stop', { index })] : [];
  };
  const toolUse = ({ name }: ToolCall, at: number) => ({ type: 'tool_use' as const, id: callId(form, at), name });
  return {
    route: 'messages',
    transport: 'sse',
    terminator: null,
    whole([answer], usage, blyan): MessagesAnswer {
      if (answer === undefined) throw new RangeError('A message has one answer');
      const said = answer.text === '' && answer.calls.length > 0 ? [] : [{ type: 'text' as const, text: answer.text }];
      const content = [
        ...said,
        ...answer.calls.map((call, at) => ({ ...toolUse(call, at), input: JSON.parse(call.arguments) })),
      ];
      return { ...head, content, ...stopOf(answer), usage: usageOf(usage), blyan };
    },
    opening(promptTokens) {
      const usage = { input_tokens: promptTokens, output_tokens: 0 };
      const message = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
      return [frame('message_start', { message }), ...opened({ type: 'text', text: '' }), frame('ping')];
    },
    delta({ text, calls }) {
      const frames: Frame[] = [];
      if (text !== '' || calls.length === 0) {
        if (!isOpen) frames.push(...opened({ type: 'text', text: '' }));
        frames.push(frame('content_block_delta', { index, delta: { type: 'text_delta', text } }));
      }
      for (const call of calls) {
        const delta = { type: 'input_json_delta', partial_json: call.arguments };
        frames.push(...closed(), ...opened({ ...toolUse(call, callCount++), input: {} }));
        frames.push(frame('content_block_delta', { index, delta }), ...closed());
      }
      return frames;
    },
    finish(_index, how) {
      ending = how;
      return closed();
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
    stop_reason: STOP_REASONS[finishReason],
    stop_sequence: null,
  };
}

const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const;

function usageOf({ prompt_tokens, completion_tokens }: Usage) {
  return { input_tokens: prompt_tokens, output_tokens: completion_tokens };
}
