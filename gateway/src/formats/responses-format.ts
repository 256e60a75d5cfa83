import type { ApiErrorBody, BlyanAnswer, FinishReason, Usage } from '@blyan/api';
import type { ToolCall } from '@blyan/model';
import { type AnswerForm, callId } from '../answer-form.ts';
import type { AnswerFormat, Frame } from './answer-format.ts';

/** Answers as OpenAI's `response`, which nobody stores, and the events of its streams, numbered from 0. */
export function responsesFormat(form: AnswerForm): AnswerFormat {
  let sequence = 0;
  let finishReason: FinishReason = 'stop';
  const frame = (type: string, fields: object): Frame => ({
    event: type,
    data: { type, sequence_number: sequence++, ...fields },
  });
  /** Items of a stream that are complete, and the text of the message that is not; null: none is begun. */
  const items: object[] = [];
  let text: string | null = null;
  let callCount = 0;

  /** Begins a message. */
  const begun = (): Frame[] => {
    text = '';
    const added = { output_index: items.length, item: message(form, items.length, 'in_progress', []) };
    const place = placeOf(form, items.length);
    return [
      frame('response.output_item.added', added),
      frame('response.content_part.added', { ...place, part: part('') }),
    ];
  };
  /** Ends the message that is begun, if one is. */
  const ended = (status: 'completed' | 'incomplete'): Frame[] => {
    if (text === null) return [];
    const place = placeOf(form, items.length);
    const item = message(form, items.length, status, [part(text)]);
    const frames = [
      frame('response.output_text.done', { ...place, text, logprobs: [] }),
      frame('response.content_part.done', { ...place, part: part(text) }),
      frame('response.output_item.done', { output_index: items.length, item }),
    ];
    items.push(item);
    text = null;
    return frames;
  };
  const called = (call: ToolCall): Frame[] => {
    const item = functionCall(form, call, callCount++);
    const place = { item_id: item.id, output_index: items.length };
    const added = { ...item, arguments: '', status: 'in_progress' };
    items.push(item);
    return [
      frame('response.output_item.added', { output_index: place.output_index, item: added }),
      frame('response.function_call_arguments.delta', { ...place, delta: item.arguments }),
      frame('response.function_call_arguments.done', { ...place, name: item.name, arguments: item.arguments }),
      frame('response.output_item.done', { output_index: place.output_index, item }),
    ];
  };
  const whole = (output: readonly object[], how: FinishReason, usage: Usage, blyan: BlyanAnswer) => {
    const isCut = how === 'length';
    const incomplete_details = isCut ? { reason: 'max_output_tokens' } : null;
    const status = isCut ? 'incomplete' : 'completed';
    return { ...responseOf(form, status), incomplete_details, output, usage: usageOf(usage), blyan };
  };
  return {
    route: 'responses',
    transport: 'sse',
    terminator: null,
    whole([answer], usage, blyan) {
      if (answer === undefined) throw new RangeError('A response has one answer');
      const status = answer.finishReason === 'length' ? 'incomplete' : 'completed';
      const isSaid = answer.text !== '' || answer.calls.length === 0;
      const said = isSaid ? [message(form, 0, status, [part(answer.text)])] : [];
      const calls = answer.calls.map((call, at) => functionCall(form, call, at));
      return whole([...said, ...calls], answer.finishReason, usage, blyan);
    },
    opening() {
      const response = responseOf(form, 'in_progress');
      return [frame('response.created', { response }), frame('response.in_progress', { response }), ...begun()];
    },
    delta(delta) {
      const frames: Frame[] = [];
      if (delta.text !== '' || delta.calls.length === 0) {
        if (text === null) frames.push(...begun());
        text += delta.text;
        const said = { ...placeOf(form, items.length), delta: delta.text, logprobs: [] };
        frames.push(frame('response.output_text.delta', said));
      }
      for (const call of delta.calls) frames.push(...ended('completed'), ...called(call));
      return frames;
    },
    finish(_index, how) {
      finishReason = how.finishReason;
      return ended(finishReason === 'length' ? 'incomplete' : 'completed');
    },
    closing: (usage, blyan) => [
      frame(finishReason === 'length' ? 'response.incomplete' : 'response.completed', {
        response: whole(items, finishReason, usage, blyan),
      }),
    ],
    failure: ({ error: { message: said, code, param } }: ApiErrorBody) =>
      frame('error', { code, message: said, param }),
  };
}

const part = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });
const itemId = (prefix: string, { id }: AnswerForm, index: number) =>
  `${prefix}_${id.slice('resp_'.length)}${index === 0 ? '' : index}`;
const placeOf = (form: AnswerForm, index: number) => ({
  ...{ item_id: itemId('msg', form, index), output_index: index, content_index: 0 },
});

function message(form: AnswerForm, index: number, status: string, content: object[]) {
  return { id: itemId('msg', form, index), type: 'message', role: 'assistant', status, content };
}

function functionCall(form: AnswerForm, call: ToolCall, index: number) {
  return {
    ...{ id: itemId('fc', form, index), type: 'function_call', status: 'completed', call_id: callId(form, index) },
    ...{ name: call.name, arguments: call.arguments },
  };
}

function responseOf({ id, created, model, textFormat = { type: 'text' } }: AnswerForm, status: string) {
  return {
    ...{
      id,
      object: 'response',
      created_at: created,
      status,
      error: null,
      incomplete_details: null,
      model,
      output: [],
    },
    ...{ instructions: null, metadata: {}, parallel_tool_calls: false, previous_response_id: null, store: false },
    ...{ text: { format: textFormat }, tool_choice: 'none', tools: [], truncation: 'disabled', usage: null },
  };
}

/** Prefixes are not computed twice, but which tokens came from a cache is not counted per answer. */
function usageOf({ prompt_tokens, completion_tokens, total_tokens }: Usage) {
  return {
    ...{ input_tokens: prompt_tokens, input_tokens_details: { cached_tokens: 0 } },
    ...{ output_tokens: completion_tokens, output_tokens_details: { reasoning_tokens: 0 } },
    total_tokens,
  };
}
