import type { ApiClient, BlyanAnswer } from '@blyan/api';

export interface Answer {
  readonly text: string;
  readonly tokens: number;
  /** What the network reported; undefined when the answer was stopped before its end. */
  readonly blyan?: Partial<BlyanAnswer>;
}

/** The turns so far; a stopped answer stays with what had come, a failed one leaves no trace. */
export class Conversation {
  readonly #client: ApiClient;
  readonly #model: string;
  #messages: { role: 'user' | 'assistant'; content: string }[] = [];

  constructor(client: ApiClient, model: string) {
    this.#client = client;
    this.#model = model;
  }

  clear(): void {
    this.#messages = [];
  }

  /** Asks and hands on each piece of text as it comes; aborting the signal ends the answer early without an error. */
  async ask(prompt: string, onText: (text: string) => void, signal: AbortSignal): Promise<Answer> {
    const messages = [...this.#messages, { role: 'user' as const, content: prompt }];
    let text = '';
    let tokens = 0;
    let blyan: Answer['blyan'];
    // Greedy, as the chat page: small models wander when their words are drawn at random.
    const request = { model: this.#model, messages, temperature: 0, stream_options: { include_usage: true } };
    try {
      for await (const chunk of this.#client.streamChat(request, signal)) {
        const piece = chunk.choices[0]?.delta.content ?? '';
        text += piece;
        if (piece !== '') onText(piece);
        if (chunk.choices[0]?.finish_reason) blyan = chunk.blyan as Answer['blyan'];
        tokens = chunk.usage?.completion_tokens ?? tokens;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    this.#messages = [...messages, { role: 'assistant', content: text }];
    return { text, tokens, blyan };
  }
}
