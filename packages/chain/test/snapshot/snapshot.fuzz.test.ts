import { encodeEpochEnd } from '@blyan/light-client';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutChunks, decodeChunk, type SnapshotEntry } from '../../src/snapshot/chunk.ts';
import { readEpochEnd } from '../../src/snapshot/epoch-end.ts';
import { decodeManifest, encodeManifest } from '../../src/snapshot/manifest.ts';
import { certify, makeValidators, suite, TestChain } from './fixture.ts';

async function samples(): Promise<
  Record<string, { sample: Uint8Array; again: (bytes: Uint8Array) => Uint8Array | null }>
> {
  const chain = await TestChain.create();
  await chain.grow(1);
  const certificate = certify(chain.head, chain.signers(0));
  const { network, head } = chain;
  const nextValidators = makeValidators(2).map(({ publicKey }) => ({
    publicKey: Buffer.from(publicKey).toString('hex'),
    weight: 1,
  }));
  return {
    manifest: {
      sample: encodeManifest({ network, block: head, chunkHashes: [head.hash, network], certificate }),
      again: (bytes) => encodeManifest(decodeManifest(bytes, suite)),
    },
    'end of an epoch': {
      sample: encodeEpochEnd({ header: head.header, certificate, nextValidators }),
      again: (bytes) => encodeEpochEnd(readEpochEnd(bytes)),
    },
    chunk: {
      sample: await chunkOf([
        ['b/1', new Uint8Array([1, 2])],
        ['s/a', new Uint8Array()],
        ['s/b', new Uint8Array(20)],
      ]),
      again: (bytes) => (decodeChunk(bytes).length > 0 ? null : bytes),
    },
  };
}

async function chunkOf(entries: SnapshotEntry[]): Promise<Uint8Array> {
  for await (const chunk of cutChunks(
    (async function* () {
      yield* entries;
    })(),
  )) {
    return chunk;
  }
  throw new TypeError('no chunk');
}

describe.each(Object.entries(await samples()))('%s', (_, { sample, again }) => {
  it('any bytes are refused with a code of snapshots, or say what was read from them', () => {
    again(sample);
    const mutated = fc
      .array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
      .map((changes) => {
        const bytes = new Uint8Array(sample);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        let read: Uint8Array | null;
        try {
          read = again(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_SNAPSHOT_/) });
          return;
        }
        if (read !== null) expect(read).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });
});

it('entries are cut into chunks and read again, in their order', async () => {
  const entry = fc.tuple(fc.stringMatching(/^s\/[a-z]{1,4}$/), fc.uint8Array({ maxLength: 9 }));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(entry, { selector: ([key]) => key, minLength: 1 }), async (any) => {
      const entries = any.sort(([a], [b]) => (a < b ? -1 : 1));
      expect(decodeChunk(await chunkOf(entries)).map(([key, value]) => [key, ...value])).toEqual(
        entries.map(([key, value]) => [key, ...value]),
      );
    }),
    { numRuns: 50 },
  );
});
