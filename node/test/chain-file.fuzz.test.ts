import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { chainFileHead, chainFrame, openChainFile } from '../src/chain/chain-file.ts';

const NETWORK = 'ab'.repeat(32);

test('any bytes are a file of a chain, or are refused with a code', async () => {
  const dir = await temporaryDirectory('blyan-chain-file-');
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const path = join(dir.path, 'chain.bin');
  const sample = new Uint8Array(
    Buffer.concat([
      chainFileHead(NETWORK),
      chainFrame({ outline: new Uint8Array(300), certificate: null, records: [new Uint8Array(9)] }),
    ]),
  );
  const mutated = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { maxLength: 3 }).map((changes) => {
    const bytes = new Uint8Array(sample);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  const cut = fc.nat(sample.length).map((length) => sample.subarray(0, length));
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutated, cut, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
      await writeFile(path, bytes);
      try {
        await using file = await openChainFile(path);
        expect(file.network).toMatch(/^[0-9a-f]{64}$/);
        for await (const { block } of file.blocks()) expect(block.hash).toHaveLength(64);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_NODE_CHAIN_FILE' });
      }
    }),
    { numRuns: 200 },
  );
});
