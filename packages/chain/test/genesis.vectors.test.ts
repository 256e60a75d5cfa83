import { fileURLToPath } from 'node:url';
import { PROTOCOL_PARAMS } from '@blyan/params';
import { expect, test } from 'vitest';
import { assertProtocolParams, buildGenesis, privateGenesis, verifyGenesis } from '../src/index.ts';

const FOLDER = fileURLToPath(new URL('../../../genesis', import.meta.url));
/** Changes only together with a file in `genesis/`: it is the id of the public network. */
const PUBLIC_NETWORK = 'b490f1fae6cc5e27073265f7a6ff5b10421363a200391270c8cb6abda88a4b8f';
const PRIVATE_NETWORK = '5cc5f00aff0c7ab9edf56484eb38c4872fe190c91b189337cd1059e14d79d4bb';

test('the committed folder is the public network, and this build follows it', async () => {
  const { bytes, hash, genesis } = await buildGenesis(FOLDER);
  expect(genesis.protocol).toEqual(PROTOCOL_PARAMS);
  expect(hash).toBe(PUBLIC_NETWORK);
  expect(verifyGenesis(bytes, PUBLIC_NETWORK)).toEqual(genesis);
  assertProtocolParams(genesis);
});

test('a private genesis has the same bytes on every machine', () => {
  expect(privateGenesis({ name: 'vectors', salt: new Uint8Array(32).fill(1) }).hash).toBe(PRIVATE_NETWORK);
});

test('the numbers of the pact hold together', async () => {
  const { genesis } = await buildGenesis(FOLDER);
  if (genesis.access !== 'public') throw new Error('the folder made a private genesis');
  const { voting, supply, data, rewards, chain } = genesis.pact;
  expect(voting.periodSeconds).toBe(72 * 3_600);
  expect(chain.maxBlockBytes).toBe(10 * 1024 * 1024);
  expect(BigInt(supply.cap)).toBe(10n ** 9n * 10n ** 18n);
  expect(BigInt(supply.maxMintPerYear) * 10n).toBe(BigInt(supply.cap));
  expect(BigInt(rewards.perThousandTokens)).toBe(10n ** 18n);
  const { gold, silver, experimental } = data.tiers;
  expect([gold, silver, experimental].map((tier) => tier.toxicityBelowPermille)).toEqual([50, 100, 200]);
});
