import { expect, test } from 'vitest';
import { StopStrings } from '../src/stop-strings.ts';
import { CHAT, chatBody, eventsOf, startGateway } from './harness.ts';
import { tokensOf } from './scripted-coordinator.ts';

test('a stop string is cut although its characters come in many tokens', async () => {
  const { client, coordinator } = await startGateway({ tokens: tokensOf('one ENDED two END three') });
  const answer = await client.chat.completions.create(chatBody({ stop: [' END ', '###'] }) as never);
  expect(answer.choices[0]).toMatchObject({ message: { content: 'one ENDED two' }, finish_reason: 'stop' });
  expect(await coordinator.aborted).toBe('answer complete');
});

test('nothing of a stop string is ever streamed, and what only looked like one is', async () => {
  const { client } = await startGateway({ tokens: tokensOf('a <en <end> b') });
  const stream = await client.chat.completions.create({ ...chatBody(), stop: '<end>', stream: true });
  const pieces: string[] = [];
  let reason: unknown;
  for await (const { choices } of stream) {
    if (choices[0]?.delta.content) pieces.push(choices[0].delta.content);
    reason = choices[0]?.finish_reason ?? reason;
  }
  expect(pieces).toEqual(['a', ' ', '<en ']);
  expect(reason).toBe('stop');
});

test.each([false, true])('the answer reports itself after a stop string (coordinator throws: %s)', async (throws) => {
  const { post } = await startGateway({ tokens: tokensOf('abcd'), throwsWhenComplete: throws });
  const answer = await (await post(CHAT, chatBody({ stop: 'c', blyan: { return_token_ids: true } }))).json();
  expect(answer.choices[0]).toMatchObject({ message: { content: 'ab' }, finish_reason: 'stop' });
  expect(answer.usage.completion_tokens).toBe(3);
  expect(answer.blyan.token_ids).toEqual(tokensOf('abc'));
  expect(answer.blyan.measured).toEqual({ msToFirstToken: expect.any(Number), msPerToken: expect.any(Number) });
  if (throws) expect(answer.blyan).not.toHaveProperty('route');
  else expect(answer.blyan.route).toHaveLength(2);
});

test('an open beginning of a stop string at the end of the answer is text', async () => {
  const { post } = await startGateway({ tokens: tokensOf('ab##') });
  const events = await eventsOf(await post(CHAT, chatBody({ stream: true, stop: ['###'] })));
  const text = events.slice(0, -1).map((data) => JSON.parse(data).choices[0].delta.content ?? '');
  expect(text.join('')).toBe('ab##');
});

test('log probabilities end where the text does', async () => {
  const { client } = await startGateway({ tokens: tokensOf('abcd') });
  const answer = await client.chat.completions.create(chatBody({ stop: 'cd', logprobs: true }) as never);
  expect(answer.choices[0]?.logprobs?.content?.map(({ token }) => token)).toEqual(['a', 'b']);
});

test('the earliest of several stop strings wins, whatever the pieces', () => {
  const stops = new StopStrings(['world', 'lo wo', 'zzz']);
  expect([stops.push('hel'), stops.push('lo '), stops.push('wor')]).toEqual([
    { text: 'he', found: null },
    { text: 'l', found: null },
    { text: '', found: 'lo wo' },
  ]);
});
