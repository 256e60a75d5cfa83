import { readFileSync } from 'node:fs';
import { PROTOCOL_PARAMS } from '@blyan/params';
import { expect, test } from 'vitest';
import { protocolVectors } from './protocol-vectors.ts';

const document = readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8');

test('every vector of PROTOCOL.md is what the code computes, and every vector is in it', async () => {
  const quoted: Record<string, string> = {};
  for (const [, block = ''] of document.matchAll(/^```vectors\n([\s\S]*?)^```$/gm)) {
    for (const [, name = '', lines = ''] of block.matchAll(/^(\S+)\n((?: {2}\S+\n)+)/gm)) {
      expect(quoted[name], `${name} is quoted twice`).toBeUndefined();
      quoted[name] = lines.replace(/\s/g, '');
    }
  }
  expect(quoted).toEqual(await protocolVectors());
}, 60_000);

test('PROTOCOL.md lists every protocol parameter with its value', () => {
  const listed = Object.fromEntries(
    [...document.matchAll(/^\| `([a-zA-Z]+\.[a-zA-Z.]+)` \| ([\d,]+) \|/gm)].map(([, name = '', value = '']) => [
      name,
      Number(value.replaceAll(',', '')),
    ]),
  );
  const flat = (prefix: string, value: object): [string, number][] =>
    Object.entries(value).flatMap(([key, inner]) =>
      typeof inner === 'number' ? [[prefix + key, inner]] : flat(`${prefix}${key}.`, inner),
    );
  expect(listed).toEqual(Object.fromEntries(flat('', PROTOCOL_PARAMS)));
});
