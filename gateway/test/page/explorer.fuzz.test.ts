import { type CanonicalValue, encodeCanonical } from '@blyan/codec/canonical';
import { sha256, toHex } from '@blyan/crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChainVerifier } from '../../web/src/pages/explorer/proof/chain-verifier.ts';
import { runProof } from '../../web/src/pages/explorer/proof/run-proof.ts';
import { publishedModels } from '../../web/src/pages/explorer/published-models.ts';
import { readRecord } from '../../web/src/pages/explorer/record-sense.ts';
import { NETWORK, ScriptedChain } from '../scripted-chain.ts';

const { signal } = new AbortController();
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

test('whatever a node says of a record or of models, reading it gives something to show', () => {
  const type = fc.constantFrom('transfer', 'node', 'model', 'expert', 'other');
  const fields = fc.record({ type, author: fc.string({ minLength: 1 }), body: fc.jsonValue(), fee: fc.jsonValue() });
  fc.assert(
    fc.property(fc.oneof(fields, fc.jsonValue()), (value) => {
      const record = readRecord(value);
      if (record !== null) expect(record.sense.type).toMatch(/^(transfer|node|model|expert|other)$/);
    }),
  );
  const entry = fc.record({ key: fc.string().map((name) => `model/${name}`), value: fc.jsonValue() });
  fc.assert(
    fc.property(fc.array(entry), (data) => {
      expect(publishedModels({ data, hasMore: false }).length).toBeLessThanOrEqual(data.length);
    }),
  );
});

const canonical = fc.letrec<{ value: CanonicalValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.nat(),
    fc.string(),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('protocol', 'validators', 'chain', 'epochBlocks', 'publicKey'), tie('value')),
  ),
})).value;

test('no genesis, header or certificate that somebody makes up proves anything, and none breaks the page', async () => {
  const chain = new ScriptedChain();
  chain.append([]);
  const [header = '', other = ''] = (await chain.blocks(2, 2)).map((block) => base64(block.header));
  const bytes = fc.oneof(fc.uint8Array().map(base64), fc.constantFrom(header, other), fc.string());
  await fc.assert(
    fc.asyncProperty(canonical, bytes, bytes, async (value, said, certificate) => {
      const genesis = encodeCanonical(value);
      const block = { hash: NETWORK, height: 1, header: said, certificate } as never;
      const verifier = new ChainVerifier(
        {
          genesis: async () => ({ networkId: toHex(sha256(genesis)), bytes: base64(genesis) }),
          block: async () => block,
          blocks: async () => ({ data: [], before: null }),
          epochs: async () => ({ data: [], next: null }),
        },
        null,
      );
      const { status, failure } = await runProof(
        (listener) => verifier.block(block, listener, signal),
        () => {},
        signal,
      );
      expect([status, failure?.kind]).toEqual(['failed', 'refuted']);
    }),
  );
});
