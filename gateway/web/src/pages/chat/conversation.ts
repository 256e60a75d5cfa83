import type { BlyanChunk, ChatCompletionRequest, Usage } from '@blyan/api';

export type PlanChoice = NonNullable<NonNullable<ChatCompletionRequest['blyan']>['plan']>;

/** How an answer is asked for. */
export interface AskSettings {
  readonly model: string;
  readonly plan: PlanChoice;
  readonly temperature: number;
  /** Whether the turns before it are sent along. */
  readonly remembers: boolean;
}

export interface Question {
  readonly role: 'question';
  readonly id: string;
  /** The answer it follows; null for the first one. */
  readonly parent: string | null;
  readonly text: string;
}

/** Why there is no answer, or only the beginning of one. */
export interface Failure {
  /** What the gateway said, in English. */
  readonly message: string;
  /** `ERR_…`, or the name that OpenAI has for it. */
  readonly code: string;
  /** As `ApiErrorType`, where the gateway said it. */
  readonly type?: string;
  /** Milliseconds since the epoch, where the gateway said how long to wait. */
  readonly retryAtMs?: number;
}

export interface Answer {
  readonly role: 'answer';
  readonly id: string;
  /** The question it answers. */
  readonly parent: string;
  readonly text: string;
  readonly status: 'streaming' | 'done' | 'stopped' | 'failed';
  readonly settings: AskSettings;
  /** Known once the gateway has begun; by it the answer can be resumed. */
  readonly requestId?: string;
  /** Whether it ended at the limit of tokens. */
  readonly isCut?: boolean;
  readonly report?: BlyanChunk;
  readonly usage?: Usage;
  readonly failure?: Failure;
}

export type Message = Question | Answer;

/** A tree: a question that was edited and an answer that was asked for again have siblings. */
export interface Conversation {
  readonly id: string;
  /** The beginning of its first question. */
  readonly title: string;
  /** Milliseconds since the epoch. */
  readonly updatedAt: number;
  /** Parents before their children, siblings in the order they were made. */
  readonly messages: readonly Message[];
  /** The last message of the branch that is shown. */
  readonly leaf: string | null;
}

export const CONVERSATION_LIMITS = Object.freeze({
  messages: 400,
  /** UTF-16 units of all messages together. */
  length: 1_000_000,
  title: 80,
});

export function emptyConversation(id: string): Conversation {
  return { id, title: '', updatedAt: 0, messages: [], leaf: null };
}

/** From the first question to the leaf. */
export function branchOf({ messages, leaf }: Conversation): readonly Message[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const branch: Message[] = [];
  let at = leaf === null ? undefined : byId.get(leaf);
  while (at !== undefined && branch.length < messages.length) {
    branch.unshift(at);
    at = at.parent === null ? undefined : byId.get(at.parent);
  }
  return branch;
}

/** The versions of a message, itself among them. */
export function siblingsOf({ messages }: Conversation, { parent }: Message): readonly Message[] {
  return messages.filter((one) => one.parent === parent);
}

/** Shows the branch of a message, as far as it was last continued. */
export function withBranch(conversation: Conversation, id: string): Conversation {
  const newestChild = new Map(conversation.messages.map((message) => [message.parent, message.id]));
  let leaf = id;
  for (const _ of conversation.messages) leaf = newestChild.get(leaf) ?? leaf;
  return { ...conversation, leaf };
}

/** Appends a message, which becomes the leaf. */
export function withMessage(conversation: Conversation, message: Message, updatedAt: number): Conversation {
  const title = conversation.title === '' ? message.text.slice(0, CONVERSATION_LIMITS.title) : conversation.title;
  return {
    ...conversation,
    title,
    updatedAt,
    messages: [...conversation.messages, message],
    leaf: message.id,
  };
}

export function withAnswer(conversation: Conversation, id: string, change: Partial<Answer>): Conversation {
  const messages = conversation.messages.map((one) =>
    one.id === id && one.role === 'answer' ? { ...one, ...change } : one,
  );
  return { ...conversation, messages };
}

/** Whether one more question, of that length, fits. */
export function hasRoom({ messages }: Conversation, length: number): boolean {
  const kept = messages.reduce((sum, { text }) => sum + text.length, 0);
  return messages.length + 2 <= CONVERSATION_LIMITS.messages && kept + length <= CONVERSATION_LIMITS.length;
}

/** What two windows know of one conversation: nothing that was said is lost, and an answer that ended is not begun again. */
export function merged(theirs: Conversation, ours: Conversation): Conversation {
  const known = new Map(theirs.messages.map((message) => [message.id, message]));
  const messages = ours.messages.map((message) => further(known.get(message.id), message));
  const mine = new Set(ours.messages.map(({ id }) => id));
  return { ...ours, messages: [...messages, ...theirs.messages.filter(({ id }) => !mine.has(id))] };
}

function further(theirs: Message | undefined, ours: Message): Message {
  if (theirs?.role !== 'answer' || ours.role !== 'answer' || ours.status !== 'streaming') return ours;
  return theirs.status !== 'streaming' || theirs.text.length > ours.text.length ? theirs : ours;
}

/** What is sent to have the question at the end of the branch answered. */
export function requestOf(branch: readonly Message[], settings: AskSettings): ChatCompletionRequest {
  const said = settings.remembers ? branch : branch.slice(-1);
  return {
    model: settings.model,
    messages: said
      .filter(({ text }) => text !== '')
      .map(({ role, text }) => ({
        role: role === 'question' ? ('user' as const) : ('assistant' as const),
        content: text,
      })),
    temperature: settings.temperature,
    stream_options: { include_usage: true },
    blyan: { plan: settings.plan },
  };
}
