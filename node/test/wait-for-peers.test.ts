import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { NodeRegistry } from '../src/daemon/node-registry.ts';
import { newsOfBoth, nextNews } from '../src/daemon/wait-for-peers.ts';

test('as many answers as a node computes may wait for news, without a word on stderr', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  const registry = new NodeRegistry({ value: () => null, onHead: () => () => {}, failure: null });
  const records = new EventEmitter().setMaxListeners(0);
  const news = newsOfBoth(records, () => registry);
  const { signal } = new AbortController();
  const waiting = Array.from({ length: 256 }, () => nextNews(news, 60_000, signal));
  await setImmediate();
  registry.emit('change');
  expect(await Promise.all(waiting)).toEqual(Array(256).fill(true));
  expect([registry.listenerCount('change'), records.listenerCount('change')]).toEqual([0, 0]);
  expect(warnings.map(({ message }) => message)).toEqual([]);
});
