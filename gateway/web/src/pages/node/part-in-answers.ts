import type { BlyanRouteEntry } from '@blyan/api';
import type { Conversation } from '../chat/conversation.ts';

export interface AnsweredAs {
  readonly role: BlyanRouteEntry['role'];
  readonly answers: number;
  readonly calls: number;
  readonly ms: number;
}

export interface PartInAnswers {
  readonly roles: readonly AnsweredAs[];
  /** How often it was lost in mid-answer. */
  readonly lost: number;
}

/** What a node did for the answers of these conversations. */
export function partInAnswers(peerId: string, conversations: readonly Conversation[]): PartInAnswers {
  const roles = new Map<AnsweredAs['role'], AnsweredAs>();
  let lost = 0;
  for (const message of conversations.flatMap(({ messages }) => messages)) {
    if (message.role !== 'answer') continue;
    const { route = [], failovers = [] } = message.report ?? {};
    lost += failovers.filter((failover) => failover.peerId === peerId).length;
    for (const { role, calls, ms } of route.filter((entry) => entry.peerId === peerId)) {
      const before = roles.get(role) ?? { role, answers: 0, calls: 0, ms: 0 };
      roles.set(role, { role, answers: before.answers + 1, calls: before.calls + calls, ms: before.ms + ms });
    }
  }
  return { roles: [...roles.values()], lost };
}
