import type { ApiErrorBody, BlyanAnswer, FinishReason, Usage } from '@blyan/api';
import type { AnswerForm } from '../answer-form.ts';
import type { AnswerFormat, Frame } from './answer-format.ts';

/** Answers as OpenAI's `response`, which nobody stores, and the events of its streams, numbered from 0. */
export function responsesFormat(form: AnswerForm): AnswerFormat {
  const itemId = `msg_${form.id.slice('resp_'.length)}`;
  let sequence = 0;
  let text = '';
  let finishReason: FinishReason = 'stop';
  const frame = (type: string, fields: object): Frame => ({
    event: type,
    data: { type, sequence_number: sequence++, ...fields },
  });
  const place = { item_id: itemId, output_index: 0, content_index: 0 };
  const part = (content: string) => ({ type: 'output_text', text: content, annotations: [], logprobs: [] });
  const item = (status: string, content: object[]) => ({
    id: itemId,
    type: 'message',
    role: 'assistant',
    status,
    content,
  });
  const ended = (answer: string, how: FinishReason, usage: Usage, blyan: BlyanAnswer) => {
    const status = how === 'length' ? 'incomplete' : 'completed';
    const incomplete_details = how === 'length' ? { reason: 'max_output_tokens' } : null;
    return {
      ...responseOf(form, status),
      incomplete_details,
      output: [item(status, [part(answer)])],
      usage: usageOf(usage),
      blyan,
    };
  };
  return {
    route: 'responses',
    transport: 'sse',
    terminator: null,
    whole([answer], usage, blyan) {
      if (answer === undefined) throw new RangeError('A response has one answer');
      return ended(answer.text, answer.finishReason, usage, blyan);
    },
    opening() {
      const response = responseOf(form, 'in_progress');
      return [
        frame('response.created', { response }),
        frame('response.in_progress', { response }),
        frame('response.output_item.added', { output_index: 0, item: item('in_progress', []) }),
        frame('response.content_part.added', { ...place, part: part('') }),
      ];
    },
    delta(delta) {
      text += delta.text;
      return [frame('response.output_text.delta', { ...place, delta: delta.text, logprobs: [] })];
    },
    finish(_index, how) {
      finishReason = how.finishReason;
      const status = finishReason === 'length' ? 'incomplete' : 'completed';
      return [
        frame('response.output_text.done', { ...place, text, logprobs: [] }),
        frame('response.content_part.done', { ...place, part: part(text) }),
        frame('response.output_item.done', { output_index: 0, item: item(status, [part(text)]) }),
      ];
    },
    closing: (usage, blyan) => [
      frame(finishReason === 'length' ? 'response.incomplete' : 'response.completed', {
        response: ended(text, finishReason, usage, blyan),
      }),
    ],
    failure: ({ error: { message, code, param } }: ApiErrorBody) => frame('error', { code, message, param }),
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
