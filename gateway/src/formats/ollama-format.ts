import type { BlyanAnswer, Usage } from '@blyan/api';
import type { ToolCall } from '@blyan/model';
import type { AnswerForm } from '../answer-form.ts';
import type { AnswerEnding, AnswerFormat } from './answer-format.ts';

const NS_PER_MS = 1e6;

/** Answers as Ollama's `/api/chat` and `/api/generate`: a line of JSON for each piece of text, the last one `done`. */
export function ollamaFormat(form: AnswerForm): AnswerFormat {
  const isChat = form.route === 'ollama.chat';
  const head = { model: form.model, created_at: new Date(form.created * 1000).toISOString() };
  const content = (text: string, calls: readonly ToolCall[] = []) => {
    if (!isChat) return { response: text };
    const tool_calls = calls.map(({ name, arguments: given }) => ({
      function: { name, arguments: JSON.parse(given) as object },
    }));
    return { message: { role: 'assistant', content: text, ...(calls.length > 0 && { tool_calls }) } };
  };
  let ending: AnswerEnding = { finishReason: 'stop', stopString: null };
  const last = (said: object, { finishReason }: AnswerEnding, usage: Usage, blyan: BlyanAnswer) => ({
    ...{ ...head, ...said, done: true, done_reason: finishReason === 'length' ? 'length' : 'stop' },
    ...{ ...countsOf(usage, blyan), blyan },
  });
  return {
    route: form.route,
    transport: 'ndjson',
    terminator: null,
    whole([answer], usage, blyan) {
      if (answer === undefined) throw new RangeError('There is one answer');
      return last(content(answer.text, answer.calls), answer, usage, blyan);
    },
    opening: () => [],
    delta: ({ text, calls }) =>
      text === '' && calls.length === 0 ? [] : [{ data: { ...head, ...content(text, calls), done: false } }],
    finish(_index, how) {
      ending = how;
      return [];
    },
    closing: (usage, blyan) => [{ data: last(content(''), ending, usage, blyan) }],
    failure: ({ error }) => ({ data: { error: error.message } }),
  };
}

/** Durations in nanoseconds, as Ollama has them; nothing is loaded for a request. */
function countsOf({ prompt_tokens, completion_tokens }: Usage, { measured }: BlyanAnswer) {
  const promptMs = measured.msToFirstToken;
  const evalMs = measured.msPerToken * Math.max(0, completion_tokens - 1);
  const ns = (ms: number) => Math.round(ms * NS_PER_MS);
  return {
    ...{ total_duration: ns(promptMs + evalMs), load_duration: 0 },
    ...{ prompt_eval_count: prompt_tokens, prompt_eval_duration: ns(promptMs) },
    ...{ eval_count: completion_tokens, eval_duration: ns(evalMs) },
  };
}
