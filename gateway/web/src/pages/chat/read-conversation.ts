import {
  type Answer,
  type AskSettings,
  CONVERSATION_LIMITS,
  type Conversation,
  type Message,
  type PlanChoice,
} from './conversation.ts';

const MAX_ID = 64;
const STATUSES: readonly string[] = ['streaming', 'done', 'stopped', 'failed'] satisfies Answer['status'][];
const PLANS: readonly string[] = ['auto', 'local', 'pipeline', 'dynamic', 'static_delegate'] satisfies PlanChoice[];

type Unknown = Readonly<Record<string, unknown>>;

/** A conversation as the browser kept it; null for what is none, or was written by another version. */
export function readConversation(value: unknown): Conversation | null {
  if (!isObject(value) || !isId(value.id) || typeof value.title !== 'string') return null;
  if (typeof value.updatedAt !== 'number' || !Array.isArray(value.messages)) return null;
  if (value.title.length > CONVERSATION_LIMITS.title || value.messages.length > 2 * CONVERSATION_LIMITS.messages)
    return null;
  if (!value.messages.every(isMessage)) return null;
  const roles = new Map<string | null, Message['role']>([[null, 'answer']]);
  for (const { id, parent, role } of value.messages) {
    if (roles.has(id) || roles.get(parent) !== (role === 'question' ? 'answer' : 'question')) return null;
    roles.set(id, role);
  }
  const { leaf } = value;
  if (leaf !== null && !(isId(leaf) && roles.has(leaf))) return null;
  return { id: value.id, title: value.title, updatedAt: value.updatedAt, messages: value.messages, leaf };
}

function isMessage(value: unknown): value is Message {
  if (!isObject(value) || !isId(value.id) || typeof value.text !== 'string') return false;
  if (value.role === 'question') return value.parent === null || isId(value.parent);
  return (
    value.role === 'answer' &&
    isId(value.parent) &&
    STATUSES.includes(value.status as string) &&
    isSettings(value.settings) &&
    (value.requestId === undefined || isId(value.requestId)) &&
    [value.report, value.usage, value.failure].every((part) => part === undefined || isObject(part))
  );
}

function isSettings(value: unknown): value is AskSettings {
  return (
    isObject(value) &&
    typeof value.model === 'string' &&
    PLANS.includes(value.plan as string) &&
    typeof value.temperature === 'number' &&
    typeof value.remembers === 'boolean'
  );
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_ID;
}

function isObject(value: unknown): value is Unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
