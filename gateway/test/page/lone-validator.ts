import { privateGenesis } from '@blyan/chain';
import { encodeRecord, type Lane, type RecordFields, signRecord } from '@blyan/chain-format';
import { generateKeyPair, signEd25519, toHex } from '@blyan/crypto';
import { MemoryStore } from '@blyan/store';
import { loneChain } from '@blyan/testkit';
import { onTestFinished } from 'vitest';

export const BLY = 10n ** 18n;
/** Of somebody who never signed anything. */
export const RECEIVER = '5e'.repeat(32);

/** A real chain with one validator, whose account has 1,000 BLY; stopped when the test ends. */
export async function loneValidator() {
  const { publicKey, secretSeed } = generateKeyPair();
  const author = toHex(publicKey);
  const genesis = privateGenesis({
    ...{ name: 'explorer', salt: publicKey },
    validators: [{ name: 'founder', publicKey: author, weight: 7 }],
    accounts: [{ address: author, balance: String(1_000n * BLY) }],
  });
  const chain = loneChain(genesis, secretSeed, new MemoryStore());
  await chain.start();
  onTestFinished(() => chain.stop());
  let nonce = 0;

  /** Signs a record, hands it in and waits until it is final. @returns its hash */
  async function write(lane: Lane, type: string, body: RecordFields['body']): Promise<string> {
    const fields = { network: genesis.hash, lane, type, version: 1, author, nonce: nonce++, fee: 0n };
    const record = signRecord({ ...fields, dependsOn: [], body }, (message) => signEd25519(message, secretSeed));
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = chain.onHead(() => resolve());
    const hash = await chain.submit(encodeRecord(record));
    await promise;
    end();
    return hash;
  }

  const transfer = (amount: bigint) => write('C', 'transfer', { to: new Uint8Array(32).fill(0x5e), amount });
  return { chain, genesis, author, write, transfer };
}
