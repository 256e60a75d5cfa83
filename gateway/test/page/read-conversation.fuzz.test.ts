import fc from 'fast-check';
import { expect, test } from 'vitest';
import { branchOf, type Conversation, withBranch } from '../../web/src/pages/chat/conversation.ts';
import { readConversation } from '../../web/src/pages/chat/read-conversation.ts';

const settings = { model: 'm', plan: 'auto', temperature: 0, remembers: true };
const id = fc.constantFrom('a', 'b', 'c', 'd');
const anything = fc.anything({ maxDepth: 2 });

const message = fc.oneof(
  fc.record({ role: fc.constant('question'), id, parent: fc.option(id), text: fc.string() }),
  fc.record({
    ...{ role: fc.constant('answer'), id, parent: id, text: fc.string(), settings: fc.constant(settings) },
    status: fc.constantFrom('streaming', 'done', 'stopped', 'failed'),
  }),
  anything,
);
const record = fc.record({
  ...{ id, title: fc.string({ maxLength: 90 }), updatedAt: fc.oneof(fc.integer(), anything) },
  messages: fc.oneof(fc.array(message, { maxLength: 5 }), anything),
  leaf: fc.oneof(id, fc.constant(null), anything),
});

test('whatever the browser kept, what is read is a tree, or nothing', () => {
  fc.assert(
    fc.property(fc.oneof(record, anything), (kept) => {
      const read = readConversation(kept);
      if (read === null) return;
      expect(read).toEqual({ ...read, ...(kept as Conversation) });
      for (const { id: one, role } of read.messages) {
        const branch = branchOf({ ...read, leaf: one });
        expect(branch.map((each) => each.role)).toEqual(branch.map((_, at) => (at % 2 === 0 ? 'question' : 'answer')));
        expect([branch.at(-1)?.id, branch.at(-1)?.role, branch[0]?.parent]).toEqual([one, role, null]);
        expect(branchOf(withBranch(read, one)).some((each) => each.id === one)).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a conversation is read as it was kept', () => {
  const kept = {
    ...{ id: 'c', title: 'a', updatedAt: 1, leaf: 'b' },
    messages: [
      { role: 'question', id: 'a', parent: null, text: 'a' },
      { role: 'answer', id: 'b', parent: 'a', text: '', status: 'streaming', settings, requestId: '0' },
    ],
  };
  expect(readConversation(kept)).toEqual(kept);
  expect(readConversation({ ...kept, messages: [...kept.messages].reverse() })).toBeNull();
  expect(readConversation({ ...kept, messages: kept.messages.map((one) => ({ ...one, parent: 'b' })) })).toBeNull();
});
