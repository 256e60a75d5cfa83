import { randomBytes } from 'node:crypto';
import type { AnswerClaim, JournalEntry } from '@blyan/interface';
import { expect, test } from 'vitest';
import { AnswerEntry } from '../src/answer-entry.ts';
import { AnswerSeal } from '../src/answer-seal.ts';
import { ANSWER_TTL_MS } from '../src/index.ts';
import { JournalNet } from './journal-net.ts';

const claim = (bearer = ''): AnswerClaim => ({ id: randomBytes(16).toString('hex'), bearer });
const { signal } = new AbortController();

const write = (entry: JournalEntry, tokens: readonly number[]) => {
  for (const token of tokens) entry.append(token);
};

test('an answer is found here at once, and at the others when it was sent', async () => {
  const net = new JournalNet();
  const [a, b] = [net.join('a'), net.join('b')];
  const mine = claim('key');
  const entry = a.open(mine, 'what');
  write(entry, [5, 6, 7]);
  expect(await a.find(mine, signal)).toEqual({ description: 'what', tokens: [5, 6, 7], end: null });
  await a.settled();
  expect(b.kept.entryCount).toBe(1);
  net.kill('a');
  expect(await b.find(mine, signal)).toEqual({ description: 'what', tokens: [5, 6, 7], end: null });
});

test('a third node asks the others, and the end is kept too', async () => {
  const net = new JournalNet();
  const [a, , c] = [net.join('a'), net.join('b'), net.join('c')];
  const mine = claim();
  const entry = a.open(mine, 'what');
  write(entry, [1, 2]);
  entry.end('report');
  write(entry, [3]);
  await a.settled();
  net.kill('a');
  expect(await c.find(mine, signal)).toEqual({ description: 'what', tokens: [1, 2], end: 'report' });
});

test('another id and another bearer find nothing, here and elsewhere; the journal says no more than that', async () => {
  const net = new JournalNet();
  const [a, b] = [net.join('a'), net.join('b')];
  const mine = claim('key');
  a.open(mine, 'what').end('report');
  await a.settled();
  for (const journal of [a, b]) {
    expect(await journal.find({ ...mine, bearer: '' }, signal)).toBeNull();
    expect(await journal.find({ ...mine, bearer: 'other' }, signal)).toBeNull();
    expect(await journal.find(claim('key'), signal)).toBeNull();
    expect(await journal.find(mine, signal)).not.toBeNull();
  }
});

test('after its time an answer is gone everywhere', async () => {
  const net = new JournalNet();
  const [a, b] = [net.join('a'), net.join('b')];
  const mine = claim();
  a.open(mine, 'what').close();
  await a.settled();
  net.clock.now = ANSWER_TTL_MS - 1;
  expect(await b.find(mine, signal)).not.toBeNull();
  net.clock.now = ANSWER_TTL_MS;
  expect(await a.find(mine, signal)).toBeNull();
  expect(await b.find(mine, signal)).toBeNull();
});

test('a backup that dies is replaced by the next node, which gets everything', async () => {
  const net = new JournalNet();
  const [a, , c] = [net.join('a'), net.join('b'), net.join('c')];
  const mine = claim();
  const entry = a.open(mine, 'what', [1, 2]);
  await a.settled();
  net.kill('b');
  write(entry, [3]);
  await a.settled();
  expect(c.kept.entryCount).toBe(1);
  net.kill('a');
  expect((await c.find(mine, signal))?.tokens).toEqual([1, 2, 3]);
});

test('when the writer dies, its backup gives another node a copy: then it may die, too', async () => {
  const net = new JournalNet();
  const [a, b, c] = [net.join('a'), net.join('b'), net.join('c')];
  const mine = claim();
  write(a.open(mine, 'what', [1, 2]), [3]);
  await a.settled();
  net.kill('a');
  await b.lost('a');
  net.kill('b');
  expect((await c.find(mine, signal))?.tokens).toEqual([1, 2, 3]);
  // What nobody wrote to for long is not copied any more.
  net.clock.now += 61_000;
  const d = net.join('d');
  await c.lost('b');
  expect(d.kept.entryCount).toBe(0);
});

test('a node that failed once is a backup again when it is back', async () => {
  const net = new JournalNet();
  const [a] = [net.join('a'), net.join('b')];
  const mine = claim();
  const entry = a.open(mine, 'what', [1]);
  await a.settled();
  net.kill('b');
  await a.lost('b');
  write(entry, [2]);
  await a.settled();
  const b = net.join('b');
  a.returned('b');
  await a.settled();
  net.kill('a');
  expect((await b.find(mine, signal))?.tokens).toEqual([1, 2]);
});

test('when the backup dies, the next one gets everything without another token', async () => {
  const net = new JournalNet();
  const [a, , c] = [net.join('a'), net.join('b'), net.join('c')];
  const mine = claim();
  write(a.open(mine, 'what'), [1]);
  await a.settled();
  net.kill('b');
  await a.lost('b');
  await a.settled();
  net.kill('a');
  expect((await c.find(mine, signal))?.tokens).toEqual([1]);
});

test('a backup that lost an answer is given it again; one that cannot keep it is left alone', async () => {
  const net = new JournalNet();
  const a = net.join('a');
  const b = net.join('b', 16 * 1024);
  const mine = claim();
  const entry = a.open(mine, 'what');
  write(entry, [1]);
  await a.settled();
  b.kept.drop('a', new AnswerSeal(mine).locator);
  write(entry, [2]);
  await a.settled();
  expect((await b.find(mine, signal))?.tokens).toEqual([1, 2]);

  const large = claim();
  a.open(large, 'x'.repeat(20 * 1024));
  await a.settled();
  expect(await a.find(large, signal)).not.toBeNull();
  const sent = net.log.length;
  await a.settled();
  expect(net.log).toHaveLength(sent);
});

test('without any other node an answer is kept here alone', async () => {
  const a = new JournalNet().join('a');
  const mine = claim();
  const entry = a.open(mine, 'what');
  write(entry, [1]);
  entry.close();
  await a.settled();
  expect((await a.find(mine, signal))?.tokens).toEqual([1]);
});

test('whoever goes on with an answer writes an entry of its own beside the first one', async () => {
  const net = new JournalNet();
  const [a, b] = [net.join('a'), net.join('b')];
  const mine = claim();
  write(a.open(mine, 'what'), [1, 2]);
  await a.settled();
  const found = await b.find(mine, signal);
  const entry = b.open(mine, found?.description ?? '', found?.tokens);
  write(entry, [3]);
  entry.end('report');
  expect(await b.find(mine, signal)).toEqual({ description: 'what', tokens: [1, 2, 3], end: 'report' });
  await b.settled();
  expect(a.kept.entryCount).toBe(1);
});

test('opening again under a claim ends the entry before: what it still appends goes nowhere', async () => {
  const net = new JournalNet();
  const [a, b] = [net.join('a'), net.join('b')];
  const mine = claim();
  const first = a.open(mine, 'what');
  write(first, [1]);
  const second = a.open(mine, 'what', [1]);
  write(first, [9]);
  first.end('wrong');
  write(second, [2]);
  await a.settled();
  expect((await a.find(mine, signal))?.tokens).toEqual([1, 2]);
  net.kill('a');
  expect(await b.find(mine, signal)).toEqual({ description: 'what', tokens: [1, 2], end: null });
});

test('a discarded answer is forgotten here and at its backup', async () => {
  const net = new JournalNet();
  const [a, b] = [net.join('a'), net.join('b')];
  const mine = claim();
  const entry = a.open(mine, 'what');
  await a.settled();
  entry.discard();
  await a.settled();
  expect(await a.find(mine, signal)).toBeNull();
  expect(b.kept.entryCount).toBe(0);
});

test('tokens of many answers go in one call', async () => {
  const net = new JournalNet();
  const a = net.join('a');
  net.join('b');
  const entries = Array.from({ length: 50 }, () => a.open(claim(), 'what'));
  for (const entry of entries) write(entry, [1, 2, 3]);
  await a.settled();
  expect(net.log).toHaveLength(1);
});

test('a backup that never answers costs no memory for answers that are over', async () => {
  const net = new JournalNet();
  const a = net.join('a');
  net.join('b');
  net.isSilent = true;
  for (let count = 0; count < 500; count++) a.open(claim(), 'what').end('report');
  void a.settled();
  expect(a.openCount).toBeLessThanOrEqual(64);
});

test('a long answer is few parts, and whole', () => {
  const seal = new AnswerSeal(claim());
  const deps = { seal, maxBytes: 1 << 20, onPart: () => {}, onWork: () => {}, onDiscard: () => {} };
  const entry = new AnswerEntry('what', [], deps);
  const tokens = Array.from({ length: 10_000 }, (_, index) => index);
  // As slow as can be: every token finds the others sent.
  for (const token of tokens) {
    entry.append(token);
    entry.sealSome();
  }
  entry.close();
  expect(entry.parts.length).toBeLessThan(1200);
  expect(seal.assemble(entry.parts)?.tokens).toEqual(tokens);
});

test('what does not fit into an entry is left out', () => {
  const seal = new AnswerSeal(claim());
  const deps = { seal, maxBytes: 1000, onPart: () => {}, onWork: () => {}, onDiscard: () => {} };
  const entry = new AnswerEntry('what', [], deps);
  for (let token = 0; token < 1000; token++) {
    entry.append(token);
    entry.seal();
  }
  entry.end('report');
  const kept = seal.assemble(entry.parts);
  expect(entry.parts.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(1000);
  expect(kept?.tokens).toEqual(Array.from({ length: kept?.tokens.length ?? 0 }, (_, index) => index));
  expect(kept?.end).toBeNull();
});

test('parts that are forged, foreign or out of place change nothing', () => {
  const mine = claim();
  const seal = new AnswerSeal(mine);
  const foreign = new AnswerSeal(claim());
  const good = [
    seal.seal({ type: 'description', text: 'what' }),
    seal.seal({ type: 'tokens', from: 0, tokens: [1, 2] }),
    seal.seal({ type: 'tokens', from: 1, tokens: [2, 3] }),
    seal.seal({ type: 'tokens', from: 4, tokens: [9] }),
  ];
  const forged = [
    foreign.seal({ type: 'tokens', from: 0, tokens: [7] }),
    foreign.seal({ type: 'description', text: 'x' }),
  ];
  expect(seal.assemble([...forged, ...good, ...forged])).toEqual({ description: 'what', tokens: [1, 2, 3], end: null });
  expect(seal.assemble(forged)).toBeNull();
});
