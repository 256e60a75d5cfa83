import type { ApiClient, ChatCompletionChunk } from '@blyan/api';
import {
  type Answer,
  type AskSettings,
  branchOf,
  type Conversation,
  emptyConversation,
  hasRoom,
  requestOf,
  withAnswer,
  withBranch,
  withMessage,
} from './conversation.ts';
import { ConversationShelf, type ConversationShelfDeps } from './conversation-shelf.ts';
import type { ConversationSummary } from './conversation-store.ts';
import { runAnswer } from './run-answer.ts';

/** Longest that what streams in waits to be shown. */
const SHOW_MS = 33;

/** Two versions of an answer that both take the likeliest token would be one. */
const AGAIN_TEMPERATURE = 0.8;

export interface ChatState {
  readonly conversation: Conversation;
  /** Whether the conversation is being answered in this window. */
  readonly isAnswering: boolean;
  /** Whether the conversation has no room for another question. */
  readonly isFull: boolean;
  /** False until the conversation that was shown before a reload is there. */
  readonly isLoaded: boolean;
  /** The newest first. */
  readonly summaries: readonly ConversationSummary[];
  /** Whether the browser keeps conversations for this page. */
  readonly isKept: boolean;
}

export interface ChatDeps extends Pick<ConversationShelfDeps, 'store' | 'others'> {
  readonly client: Pick<ApiClient, 'streamChat' | 'resumeChat'>;
  /** The conversation that this window showed last. */
  readonly shown: { get(): string | null; set(id: string): void };
  /** Runs `work` unless another window of this browser does so under the same name. */
  readonly exclusively: (name: string, work: () => Promise<void>) => Promise<void>;
}

/**
 * The conversations of this window: asks, tells what streams in, and keeps it. It is there as long as the window, whatever
 * page is shown.
 */
export class Chat {
  /** What was typed and not sent, and what was set: kept while another page is shown. */
  draft = '';
  choices: Partial<AskSettings> = {};
  readonly #deps: ChatDeps;
  readonly #shelf: ConversationShelf;
  readonly #listeners = new Set<() => void>();
  /** What is shown, and what is answered. */
  readonly #open = new Map<string, Conversation>();
  /** By the answer's id. */
  readonly #running = new Map<string, AbortController>();
  #shown: Conversation;
  #isLoaded = false;
  #state: ChatState;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(deps: ChatDeps) {
    this.#deps = deps;
    this.#shelf = new ConversationShelf({ ...deps, onChange: () => this.#emit() });
    this.#shown = emptyConversation(newId());
    this.#state = this.#snapshot();
    deps.others.listen((id) => void this.#changedElsewhere(id));
    void this.#load();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): ChatState => this.#state;

  /** False when the conversation is full, or still being answered. */
  ask(text: string, settings: AskSettings): boolean {
    return this.#ask(this.#shown.leaf, text, settings);
  }

  /** Asks otherwise what was asked before; what followed stays as a branch beside it. False as for `ask`. */
  edit(questionId: string, text: string, settings: AskSettings): boolean {
    const question = this.#shown.messages.find(({ id }) => id === questionId);
    return question?.role === 'question' && this.#ask(question.parent, text, settings);
  }

  /** One more answer to the same question. */
  again(answer: Answer, settings: AskSettings): void {
    const { isAnswering, isFull } = this.#snapshot();
    if (isAnswering || isFull) return;
    const temperature =
      answer.status === 'done' ? Math.max(settings.temperature, AGAIN_TEMPERATURE) : settings.temperature;
    this.#answer(this.#shown, answer.parent, { ...settings, temperature });
  }

  /** Goes on with an answer that broke off, or asks once more when it had not begun. */
  goOn(answer: Answer): void {
    const { id, requestId, settings } = answer;
    if (requestId !== undefined) {
      this.#resume(this.#shown.id, id);
      return;
    }
    if (this.#snapshot().isAnswering) return;
    const anew = { settings, status: 'streaming', failure: undefined } as const;
    this.#show(withAnswer(this.#shown, id, anew));
    this.#request(this.#shown, { ...answer, ...anew });
  }

  stop(): void {
    for (const { id } of this.#shown.messages) this.#running.get(id)?.abort();
  }

  /** Shows another version of a message, and what followed it. */
  choose(messageId: string): void {
    this.#show(withBranch(this.#shown, messageId));
    void this.#keep(this.#shown.id);
  }

  /** Keeps what waits for it: the window is about to close. */
  leave(): void {
    void this.#shelf.flush();
  }

  begin(): void {
    this.#show(emptyConversation(newId()));
  }

  /** Shows a conversation that was kept. What was being answered when its window closed goes on. */
  async open(id: string): Promise<void> {
    const conversation = this.#open.get(id) ?? (await this.#shelf.get(id));
    if (conversation === null) return this.#shelf.refresh();
    this.#show(conversation);
    for (const message of conversation.messages)
      if (message.role === 'answer' && message.status === 'streaming') this.#resume(id, message.id);
  }

  async delete(id: string): Promise<void> {
    this.#drop(id);
    await this.#shelf.delete(id);
  }

  async deleteAll(): Promise<void> {
    for (const id of [...this.#open.keys()]) this.#drop(id);
    await this.#shelf.clear();
  }

  #ask(parent: string | null, text: string, settings: AskSettings): boolean {
    if (this.#snapshot().isAnswering || !hasRoom(this.#shown, text.length)) return false;
    const id = newId();
    const asked = withMessage(this.#shown, { role: 'question', id, parent, text }, Date.now());
    this.#answer(asked, id, settings);
    return true;
  }

  #answer(conversation: Conversation, questionId: string, settings: AskSettings): void {
    const answer: Answer = { role: 'answer', id: newId(), parent: questionId, text: '', status: 'streaming', settings };
    this.#show(withMessage(conversation, answer, Date.now()));
    this.#request(this.#shown, answer);
  }

  #request(conversation: Conversation, answer: Answer): void {
    const request = requestOf(branchOf({ ...conversation, leaf: answer.parent }), answer.settings);
    const run = this.#run(conversation.id, answer, (signal) =>
      this.#deps.client.streamChat(request, signal, (requestId) => {
        this.#change(conversation.id, answer.id, { requestId });
        void this.#keep(conversation.id);
      }),
    );
    void this.#deps.exclusively(lockOf(answer.id), () => run);
    void this.#keep(conversation.id);
  }

  #resume(conversationId: string, answerId: string): void {
    void this.#deps.exclusively(lockOf(answerId), async () => {
      const answer = this.#open.get(conversationId)?.messages.find(({ id }) => id === answerId);
      if (answer?.role !== 'answer' || this.#running.has(answerId)) return;
      const { requestId } = answer;
      this.#change(conversationId, answerId, {
        // Without an id it was lost before the gateway had begun.
        status: requestId === undefined ? 'stopped' : 'streaming',
        failure: undefined,
      });
      if (requestId === undefined) return;
      await this.#run(conversationId, answer, (signal) => this.#deps.client.resumeChat(requestId, signal));
    });
  }

  async #run(
    conversationId: string,
    { id, text }: Answer,
    begin: (signal: AbortSignal) => AsyncGenerator<ChatCompletionChunk>,
  ): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    this.#emit();
    await runAnswer(begin(controller.signal), controller.signal, text, (change) => {
      this.#change(conversationId, id, change);
    });
    this.#running.delete(id);
    this.#emit();
    await this.#keep(conversationId);
    this.#close(conversationId);
  }

  #change(conversationId: string, answerId: string, change: Partial<Answer>): void {
    const before = this.#open.get(conversationId);
    if (before === undefined) return;
    const conversation = withAnswer(before, answerId, change);
    this.#open.set(conversationId, conversation);
    if (this.#shown.id === conversationId) this.#shown = conversation;
    this.#shelf.keepSoon(conversation);
    this.#timer ??= setTimeout(() => this.#emit(), SHOW_MS);
  }

  async #keep(conversationId: string): Promise<void> {
    const conversation = this.#open.get(conversationId);
    if (conversation !== undefined && conversation.messages.length > 0) await this.#shelf.keep(conversation);
  }

  #show(conversation: Conversation): void {
    const { id } = this.#shown;
    this.#shown = conversation;
    this.#open.set(conversation.id, conversation);
    this.#isLoaded = true;
    this.#close(id);
    this.#deps.shown.set(conversation.id);
    this.#emit();
  }

  /** Lets go of a conversation that is neither shown nor answered. */
  #close(id: string): void {
    if (id === this.#shown.id) return;
    if (!this.#open.get(id)?.messages.some((message) => this.#running.has(message.id))) this.#open.delete(id);
  }

  /** Ends what is going on in a conversation that is deleted. */
  #drop(id: string): void {
    const dropped = this.#open.get(id);
    this.#open.delete(id);
    for (const message of dropped?.messages ?? []) this.#running.get(message.id)?.abort();
    if (this.#shown.id === id) this.begin();
  }

  async #load(): Promise<void> {
    const id = this.#deps.shown.get();
    const conversation = id === null ? null : await this.#shelf.get(id);
    // Whoever was faster than the browser's disk has begun another one.
    if (conversation !== null && this.#shown.messages.length === 0) await this.open(conversation.id);
    this.#isLoaded = true;
    await this.#shelf.refresh();
  }

  async #changedElsewhere(id: string | null): Promise<void> {
    await this.#shelf.refresh();
    const { isAnswering, conversation } = this.#snapshot();
    if (isAnswering || conversation.messages.length === 0 || (id !== null && id !== conversation.id)) return;
    const changed = await this.#shelf.get(conversation.id);
    if (this.#shown !== conversation) return;
    if (changed === null) this.begin();
    else if (changed.messages.some((message) => message.id === conversation.leaf))
      this.#show(withBranch(changed, conversation.leaf ?? ''));
    else this.#show(changed);
  }

  #snapshot(): ChatState {
    const { summaries, isKept } = this.#shelf;
    return {
      ...{ summaries, isKept },
      conversation: this.#shown,
      isAnswering: this.#shown.messages.some(({ id }) => this.#running.has(id)),
      isFull: !hasRoom(this.#shown, 0),
      isLoaded: this.#isLoaded,
    };
  }

  #emit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#state = this.#snapshot();
    for (const listener of this.#listeners) listener();
  }
}

const lockOf = (answerId: string) => `blyan-answer-${answerId}`;

/** 128 random bits. `crypto.randomUUID` is not there on plain http. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
