import type { ChatCompletion, ChatCompletionChunk } from '@blyan/api';
import type { ServedModel } from '@blyan/interface';
import type { Tokenizer } from '@blyan/model';
import type { AnswerForm } from './answer-form.ts';
import type { AnswerFormat } from './answer-format.ts';
import { chatLogprobs } from './logprobs.ts';

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
  return {
    route: 'chat.completions',
    includeUsage: form.includeUsage,
    whole(answers, usage, blyan): ChatCompletion {
      const [answer] = answers;
      if (answer === undefined) throw new RangeError('A chat completion has one answer');
      const { text, tokens, finishReason } = answer;
      const logprobs = hasLogprobs ? chatLogprobs(tokens, tokenizer) : null;
      const message = { role: 'assistant' as const, content: text, refusal: null };
      const choice = { index: 0 as const, message, logprobs, finish_reason: finishReason };
      return { ...head, object: 'chat.completion', choices: [choice], usage, blyan };
    },
    chunkHead: () => ({ ...head, object: 'chat.completion.chunk' }),
    openingChoice: (): ChunkChoice => ({
      index: 0,
      delta: { role: 'assistant', content: '' },
      logprobs: null,
      finish_reason: null,
    }),
    deltaChoice: ({ text, tokens }): ChunkChoice => ({
      index: 0,
      delta: { content: text },
      logprobs: hasLogprobs ? chatLogprobs(tokens, tokenizer) : null,
      finish_reason: null,
    }),
    finishChoice: (_index, finish_reason): ChunkChoice => ({ index: 0, delta: {}, logprobs: null, finish_reason }),
  };
}
