import { expect, test } from 'vitest';
import {
  type Answer,
  branchOf,
  CONVERSATION_LIMITS,
  emptyConversation,
  hasRoom,
  merged,
  requestOf,
  siblingsOf,
  withAnswer,
  withBranch,
  withMessage,
} from '../../web/src/pages/chat/conversation.ts';

const settings = { model: 'golden', plan: 'auto', temperature: 0, remembers: true } as const;
const question = (id: string, parent: string | null, text = id) => ({ role: 'question' as const, id, parent, text });
const answer = (id: string, parent: string, more: Partial<Answer> = {}): Answer => ({
  ...{ role: 'answer', id, parent, text: id, status: 'done', settings },
  ...more,
});

/** q1 - a1 - q2 - a2, a1 has a second wording of q2 with an answer, and q1 a second answer. */
const tree = [
  question('q1', null),
  answer('a1', 'q1'),
  question('q2', 'a1'),
  answer('a2', 'q2'),
  question('q2b', 'a1'),
  answer('a2b', 'q2b'),
  answer('a1b', 'q1'),
].reduce((conversation, message, at) => withMessage(conversation, message, at), emptyConversation('c'));

const ids = (messages: readonly { readonly id: string }[]) => messages.map(({ id }) => id).join(' ');

test('a branch leads from the first question to the leaf, and choosing a version follows it to its newest end', () => {
  expect([tree.title, tree.updatedAt, ids(branchOf(tree))]).toEqual(['q1', 6, 'q1 a1b']);
  expect(ids(branchOf(withBranch(tree, 'a1')))).toBe('q1 a1 q2b a2b');
  expect(ids(branchOf(withBranch(tree, 'q2')))).toBe('q1 a1 q2 a2');
  expect(ids(siblingsOf(tree, question('q2', 'a1')))).toBe('q2 q2b');
  expect(branchOf({ ...tree, leaf: 'gone' })).toEqual([]);
});

test('what is sent is the branch with what was said in it, or the last question alone', () => {
  const branch = branchOf({ ...tree, leaf: 'q2' });
  const failed = branch.map((message) => (message.id === 'a1' ? { ...message, text: '' } : message));
  const sent = (messages: typeof branch, remembers: boolean) =>
    requestOf(messages, { ...settings, remembers }).messages.map(({ role, content }) => `${role} ${content}`);
  expect(sent(branch, true)).toEqual(['user q1', 'assistant a1', 'user q2']);
  expect(sent(failed, true)).toEqual(['user q1', 'user q2']);
  expect(sent(branch, false)).toEqual(['user q2']);
});

test('what two windows know is put together: nothing is lost, and what ended has ended', () => {
  const begun = withMessage(tree, answer('a3', 'q1', { text: 'beg', status: 'streaming' }), 7);
  const ended = withAnswer(begun, 'a3', { text: 'begun', status: 'done' });
  const asked = withMessage(begun, question('q4', 'a2'), 8);
  expect(merged(ended, asked).messages.at(-2)).toMatchObject({ id: 'a3', text: 'begun', status: 'done' });
  expect(merged(begun, ended).messages.at(-1)).toMatchObject({ text: 'begun', status: 'done' });
  expect(ids(merged(asked, ended).messages.slice(-2))).toBe('a3 q4');
  expect(merged(asked, ended).leaf).toBe('a3');
});

test('a conversation is full at its number of messages and at its length', () => {
  expect(hasRoom(tree, CONVERSATION_LIMITS.length - 100)).toBe(true);
  expect(hasRoom(tree, CONVERSATION_LIMITS.length)).toBe(false);
  let full = emptyConversation('f');
  for (let at = 0; at < CONVERSATION_LIMITS.messages - 1; at++) full = withMessage(full, question(`q${at}`, null), at);
  expect(hasRoom(full, 0)).toBe(false);
});
