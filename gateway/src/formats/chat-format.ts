import type { BlyanChunk, ChatCompletion, ChatCompletionChunk } from '@blyan/api';
import type { ServedModel } from '@blyan/interface';
import type { Tokenizer } from '@blyan/model';
import type { AnswerForm } from '../answer-form.ts';
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
  return {
    ...OPENAI_STREAM,
    route: 'chat.completions',
    whole(answers, usage, blyan): ChatCompletion {
      const [answer] = answers;
      if (answer === undefined) throw new RangeError('A chat completion has one answer');
      const { text, tokens, finishReason } = answer;
      const logprobs = hasLogprobs ? chatLogprobs(tokens, tokenizer) : null;
      const message = { role: 'assistant' as const, content: text, refusal: null };
      const choice = { index: 0 as const, message, logprobs, finish_reason: finishReason };
      return { ...head, object: 'chat.completion', choices: [choice], usage, blyan };
    },
    opening: () => chunk({ delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }),
    delta({ text, tokens }, report) {
      const logprobs = hasLogprobs ? chatLogprobs(tokens, tokenizer) : null;
      return chunk({ delta: { content: text }, logprobs, finish_reason: null }, report);
    },
    finish: (_index, { finishReason }, report) =>
      chunk({ delta: {}, logprobs: null, finish_reason: finishReason }, report),
    closing: (usage) => usageFrames(form, { ...head, object: 'chat.completion.chunk' }, usage),
  };
}
