import { describe, expect, test } from 'vitest';
import { MultiLine } from '../src/cli/chat/multi-line.ts';
import { summaryOf } from '../src/cli/chat/summary.ts';
import { formatBytes, printable, printableText, table } from '../src/cli/output.ts';
import { formatRanges } from '../src/cli/ranges.ts';
import { closest } from '../src/config/closest.ts';
import { formatEndpoint, parseEndpoint } from '../src/config/endpoint.ts';
import { endpointOfMultiaddr } from '../src/data-dir/ports.ts';
import { showLogLine } from '../src/devnet/show-log-line.ts';
import { formatLogLine } from '../src/log/line-format.ts';

test('what peers and files say cannot steer the terminal', () => {
  expect(printable('a\u001b[31mb\nc')).toBe('a?[31mb?c');
  expect(printableText('a\u001b[31mb\n\tc\r')).toBe('a?[31mb\n\tc?');
});

test('a table is aligned and has no trailing blanks', () => {
  expect(
    table([
      ['A', 'LONG'],
      ['wide', 'x'],
    ]),
  ).toBe('A     LONG\nwide  x');
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.00 KiB'],
  [15 * 2 ** 20, '15.0 MiB'],
])('%i bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test('ranges', () => {
  expect(formatRanges([])).toBe('');
  expect(formatRanges([0, 1, 2, 5, 7, 8])).toBe('0-2,5,7-8');
});

test.each([
  ['gatway', 'gateway'],
  ['hsot', 'host'],
  ['data_dir', 'data-dir'],
  ['completely-else', null],
])('%s means %s', (word, expected) => expect(closest(word, ['gateway', 'host', 'data-dir'])).toBe(expected));

describe('endpoints', () => {
  test.each(['127.0.0.1:4700', '[::1]:0', 'localhost:65535'])('%s', (text) => {
    expect(formatEndpoint(parseEndpoint(text, 'x') as { host: string; port: number })).toBe(text);
  });
  test('off', () => expect(parseEndpoint('off', 'x')).toBeNull());
  test.each(['', ':1', 'a', 'a:', 'a:b', '1:2:3', 'a:65536', '[::1]', 'http://a:1'])('%j is refused', (text) => {
    expect(() => parseEndpoint(text, '--gateway')).toThrow(/--gateway/);
  });
  test('of multiaddrs', () => {
    expect(endpointOfMultiaddr('/ip4/127.0.0.1/tcp/4701/p2p/X')).toEqual({ host: '127.0.0.1', port: 4701 });
    expect(endpointOfMultiaddr('/ip6/::/tcp/0')).toEqual({ host: '::', port: 0 });
    expect(endpointOfMultiaddr('/dns4/x/tcp/1')).toBeNull();
  });
});

describe('prompts', () => {
  const feed = (...lines: string[]) => {
    const multiLine = new MultiLine();
    return lines.map((line) => multiLine.push(line));
  };
  test('a line is a prompt', () => expect(feed('a', '')).toEqual(['a', '']));
  test('several lines', () => expect(feed('"""a', 'b"""', 'c')).toEqual([null, 'a\nb', 'c']));
  test('quotes on their own lines', () =>
    expect(feed('"""', 'a', '', 'b', '"""')).toEqual([null, null, null, null, 'a\n\nb']));
  test('all on one line', () => expect(feed('"""a"""')).toEqual(['a']));
});

test('the summary of an answer', () => {
  expect(summaryOf({ text: '', tokens: 0 })).toBe('[stopped]');
  const route = [{ peerId: 'A', role: 'stage' as const, calls: 1, ms: 1 }];
  const blyan = { plan: 'pipeline' as const, route, measured: { msToFirstToken: 130.4, msPerToken: 25 } };
  expect(summaryOf({ text: 'x', tokens: 24, blyan })).toBe(
    '[pipeline, 1 node, 24 tokens, 40.0 tok/s, first after 130 ms]',
  );
});

describe('log lines', () => {
  const line = JSON.stringify({ level: 40, time: 0, msg: 'a block\nis gone', root: 'ff', error: { message: 'no' } });
  test('as a person reads them', () => {
    expect(formatLogLine(line, false)).toMatch(/^\d\d:\d\d:\d\d warn {2}a block\?is gone {2}root=ff error=no$/);
    expect(formatLogLine('not json', false)).toBe('not json');
    expect(formatLogLine('null', false)).toBe('null');
  });
  test('of a child: warnings and what is no log line', () => {
    expect(showLogLine(line, false)).toContain('a block');
    expect(showLogLine('{"level":30,"msg":"x"}', false)).toBeNull();
    expect(showLogLine('Error: boom', false)).toBe('Error: boom');
  });
});
