import type { BlyanChunk, ChatCompletionRequest, Usage } from '@blyan/api';
import { useCallback, useRef, useState } from 'react';
import { client } from '../../client.ts';

export interface Turn {
  readonly id: number;
  readonly question: string;
  readonly answer: string;
  readonly status: 'streaming' | 'done' | 'stopped' | 'failed';
  readonly error?: string;
  readonly report?: BlyanChunk;
  readonly usage?: Usage;
}

export interface Question {
  readonly text: string;
  readonly model: string;
  readonly plan: NonNullable<ChatCompletionRequest['blyan']>['plan'];
  /** Whether the turns before it are sent along. */
  readonly remembers: boolean;
}

export interface Chat {
  readonly turns: readonly Turn[];
  readonly isStreaming: boolean;
  ask(question: Question): void;
  stop(): void;
  clear(): void;
}

/** One conversation, kept in memory only. */
export function useChat(): Chat {
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const running = useRef<AbortController | null>(null);
  const nextId = useRef(0);
  const isStreaming = turns.at(-1)?.status === 'streaming';

  const stop = useCallback(() => running.current?.abort(), []);

  const clear = useCallback(() => {
    running.current?.abort();
    setTurns([]);
  }, []);

  const ask = (question: Question) => {
    if (isStreaming) return;
    const id = nextId.current++;
    const controller = new AbortController();
    running.current = controller;
    const update = (change: (turn: Turn) => Partial<Turn>) =>
      setTurns((all) => all.map((turn) => (turn.id === id ? { ...turn, ...change(turn) } : turn)));
    const before = question.remembers ? turns.filter(({ status }) => status === 'done') : [];
    setTurns((all) => [...all, { id, question: question.text, answer: '', status: 'streaming' }]);
    void stream(requestOf(question, before), controller.signal, update);
  };

  return { turns, isStreaming, ask, stop, clear };
}

function requestOf(question: Question, before: readonly Turn[]): ChatCompletionRequest {
  const history = before.flatMap((turn) => [
    { role: 'user' as const, content: turn.question },
    { role: 'assistant' as const, content: turn.answer },
  ]);
  return {
    model: question.model,
    messages: [...history, { role: 'user', content: question.text }],
    temperature: 0,
    stream_options: { include_usage: true },
    blyan: { plan: question.plan },
  };
}

async function stream(
  request: ChatCompletionRequest,
  signal: AbortSignal,
  update: (change: (turn: Turn) => Partial<Turn>) => void,
): Promise<void> {
  try {
    for await (const chunk of client.streamChat(request, signal)) {
      const text = chunk.choices[0]?.delta.content ?? '';
      const { blyan: report, usage } = chunk;
      if (text === '' && report === undefined && usage === undefined) continue;
      update((turn) => ({ answer: turn.answer + text, report: report ?? turn.report, usage: usage ?? turn.usage }));
    }
    update(() => ({ status: 'done' }));
  } catch (error) {
    if (signal.aborted) update(() => ({ status: 'stopped' }));
    else update(() => ({ status: 'failed', error: error instanceof Error ? error.message : 'Something went wrong.' }));
  }
}
