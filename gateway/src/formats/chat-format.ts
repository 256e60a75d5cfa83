import type { BlyanChunk, ChatCompletion, ChatCompletionChunk } from '@blyan/api';
import type { ServedModel } from '@blyan/interface';
import type { Tokenizer, ToolCall } from '@blyan/model';
import { type AnswerForm, callId } from '../answer-form.ts';
import { chatLogprobs } from '../logprobs.ts';
import type { AnswerFormat, Frame } from './answer-format.ts';
import { OPENAI_STREAM, usageFrames } from './openai-stream.ts';

type ChunkChoice = ChatCompletionChunk['choices'][number];

/** Answers as `chat.completion` and `chat.completion.chunk`. */
export function chatFormat(form: AnswerForm, model: ServedModel, tokenizer: Tokenizer): AnswerFormat {
  const hasLogprobs = form.topLogprobs !== undefined;
  const head = {
    id: form.id,
    created: form.created,
    model: form.model,
    system_fingerprint: `fp_${model.root.slice(0, 16)}`,
  };
  const chunk = (choice: Omit<ChunkChoice, 'index'>, blyan?: BlyanChunk): Frame[] => {
    const choices = [{ index: 0 as const, ...choice }];
    return [{ data: { ...head, object: 'chat.completion.chunk', choices, ...(blyan && { blyan }) } }];
  };
  const spelled = (call: ToolCall, index: number) => ({
    id: callId(form, index),
    type: 'function' as const,
    function: { name: call.name, arguments: call.arguments },
  });
  /** Calls so far. */
  let count = 0;
  return {
    ...OPENAI_STREAM,
    route: 'chat.completions',
    whole(answers, usage, blyan): ChatCompletion {
      const [answer] = answers;
      if (answer === undefined) throw new RangeError('A chat completion has one answer');
      const { text, tokens, calls, finishReason } = answer;
      const logprobs = hasLogprobs ? chatLogprobs(tokens, tokenizer) : null;
      const called = calls.length > 0 && { tool_calls: calls.map(spelled) };
      const message = { role: 'assistant' as const, content: text, refusal: null, ...called };
      const choice = { index: 0 as const, message, logprobs, finish_reason: finishReason };
      return { ...head, object: 'chat.completion', choices: [choice], usage, blyan };
    },
    opening: () => chunk({ delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }),
    delta({ text, tokens, calls }, report) {
      const logprobs = hasLogprobs ? chatLogprobs(tokens, tokenizer) : null;
      // One chunk for all of it: of several with one position only the last could have its id.
      const said = (text !== '' || calls.length === 0) && { content: text };
      const called = calls.length > 0 && {
        tool_calls: calls.map((call) => ({ index: count, ...spelled(call, count++) })),
      };
      return chunk({ delta: { ...said, ...called }, logprobs, finish_reason: null }, report);
    },
    finish: (_index, { finishReason }, report) =>
      chunk({ delta: {}, logprobs: null, finish_reason: finishReason }, report),
    closing: (usage) => usageFrames(form, { ...head, object: 'chat.completion.chunk' }, usage),
  };
}
