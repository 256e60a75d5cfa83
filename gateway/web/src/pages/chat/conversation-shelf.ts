import type { Conversation } from './conversation.ts';
import type { ConversationStore, ConversationSummary } from './conversation-store.ts';

/** Longest that what streams in waits to be kept. */
const KEEP_MS = 1000;

export interface ConversationShelfDeps {
  readonly store: ConversationStore;
  /** Other windows of this browser: `tell` them that a conversation changed, null for all of them. */
  readonly others: {
    tell(id: string | null): void;
    listen(onChange: (id: string | null) => void): void;
  };
  /** What the list or `isKept` say has changed. */
  readonly onChange: () => void;
}

/** Keeps conversations one write after the other, and knows which there are. A browser that keeps nothing is no failure. */
export class ConversationShelf {
  /** The newest first. */
  summaries: readonly ConversationSummary[] = [];
  /** Whether the browser keeps conversations for this page. */
  isKept = true;
  readonly #deps: ConversationShelfDeps;
  /** What waits to be kept, by id. */
  readonly #waiting = new Map<string, Conversation>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(deps: ConversationShelfDeps) {
    this.#deps = deps;
  }

  /** Null when it is not there any more. */
  async get(id: string): Promise<Conversation | null> {
    return this.#waiting.get(id) ?? (await this.#tried(() => this.#deps.store.get(id))) ?? null;
  }

  async refresh(): Promise<void> {
    this.summaries = (await this.#tried(() => this.#deps.store.list())) ?? this.summaries;
    this.#deps.onChange();
  }

  /** Keeps it within a second. */
  keepSoon(conversation: Conversation): void {
    this.#waiting.set(conversation.id, conversation);
    this.#timer ??= setTimeout(() => void this.flush(), KEEP_MS);
  }

  /** Resolves when it is kept. */
  async keep(conversation: Conversation): Promise<void> {
    this.#waiting.set(conversation.id, conversation);
    await this.flush();
  }

  async delete(id: string): Promise<void> {
    this.#waiting.delete(id);
    await this.#write([id], (store) => store.delete(id));
  }

  async clear(): Promise<void> {
    this.#waiting.clear();
    await this.#write([null], (store) => store.clear());
  }

  /** Resolves when all that waits is kept. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const conversations = [...this.#waiting.values()];
    this.#waiting.clear();
    return this.#write(
      conversations.map(({ id }) => id),
      async (store) => {
        for (const conversation of conversations) await store.put(conversation);
      },
    );
  }

  #write(changed: readonly (string | null)[], work: (store: ConversationStore) => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      await this.#tried(() => work(this.#deps.store));
      for (const id of changed) this.#deps.others.tell(id);
      await this.refresh();
    });
    return this.#writing;
  }

  async #tried<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      this.isKept = true;
      return result;
    } catch {
      this.isKept = false;
      return undefined;
    }
  }
}
