import {
  assembleCertificate,
  type BlockOutline,
  ballotMessage,
  type ChainRecord,
  decodeRecord,
  encodeRecord,
  type HashedRecord,
  type QuorumCertificate,
  type RecordFields,
  signRecord,
  verifyRecord,
} from '@blyan/chain-format';
import { fromHex, nodeSuite, publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import { MemoryStore } from '@blyan/store';
import { ChainApplication, Mempool, privateGenesis, type RecordRegistry } from '../../src/index.ts';

const seedOf = (name: string) => nodeSuite.sha256(new TextEncoder().encode(name));
export const keyOf = (name: string) => toHex(publicKeyOf(seedOf(name)));
export const PEOPLE = ['ann', 'bob', 'cid'];
export const VALIDATORS = ['v0', 'v1'];
export const EPOCH_BLOCKS = 4;

export const genesis = privateGenesis({
  name: 'application',
  salt: new Uint8Array(16),
  validators: VALIDATORS.map((name) => ({ name, publicKey: keyOf(name), weight: 1 })),
  accounts: PEOPLE.map((name) => ({ address: keyOf(name), balance: '1000' })),
  models: [{ name: 'lab/tiny', version: '1.0.0', root: keyOf('root'), owner: keyOf('ann'), experts: [[seedOf('e')]] }],
});

export function sign(author: string, fields: Partial<Omit<RecordFields, 'body'>> & { body: object }): HashedRecord {
  const all = {
    ...{ network: genesis.hash, lane: 'C', type: 'transfer', version: 1, nonce: 0, fee: 0n, dependsOn: [] },
    ...fields,
    author: keyOf(author),
  } as RecordFields;
  const record: ChainRecord = signRecord(all, (message) => signEd25519(message, seedOf(author)));
  return decodeRecord(encodeRecord(record), nodeSuite);
}

export function transfer(author: string, to: string, amount: bigint, part: Partial<RecordFields> = {}): HashedRecord {
  return sign(author, { ...part, body: { to: fromHex(keyOf(to)), amount } });
}

export function certificateFor({ hash, header }: BlockOutline): QuorumCertificate {
  const ballot = { kind: 'finalise', epoch: header.epoch, view: header.view, block: hash } as const;
  const names = [...VALIDATORS].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const votes = names.map((name, validator) => ({
    ...ballot,
    validator,
    signature: signEd25519(ballotMessage(genesis.hash, ballot), seedOf(name)),
  }));
  return assembleCertificate(ballot, votes);
}

/** One node without its network: store, pool and application. */
export class TestNode {
  readonly store: MemoryStore;
  readonly mempool: Mempool;
  application!: ChainApplication;
  nowMs = 1_000_000;

  private constructor(store: MemoryStore) {
    this.store = store;
    const app = () => this.application;
    this.mempool = new Mempool(
      { network: genesis.hash },
      {
        clock: { nowMs: () => this.nowMs },
        head: {
          account: (key) => app().account(key),
          cost: (record) => app().cost(record),
          refusal: (record) => app().refusal(record),
        },
        decode: (bytes) => decodeRecord(bytes, nodeSuite),
        verify: (record) => verifyRecord(record, genesis.hash, nodeSuite),
      },
    );
  }

  static async open(store = new MemoryStore(), options: object = {}, registry?: RecordRegistry): Promise<TestNode> {
    const node = new TestNode(store);
    node.application = await ChainApplication.open(
      { genesis, epochBlocks: EPOCH_BLOCKS, ...options },
      { store, records: node.mempool, suite: nodeSuite, ...(registry && { registry }) },
    );
    return node;
  }

  offer(...records: HashedRecord[]): string[] {
    return records.map(({ bytes }) => {
      const verdict = this.mempool.offer(bytes);
      return verdict.verdict === 'accept' ? 'accept' : verdict.error.code;
    });
  }

  build(parent = this.application.head, view = viewAfter(parent)): BlockOutline {
    this.nowMs += 100;
    return this.application.build({ parent: parent.hash, view, proposer: 0, nowMs: this.nowMs });
  }

  async commit(block: BlockOutline): Promise<void> {
    const writes = this.application.commit(block.hash, certificateFor(block));
    await this.store.write(writes, { sync: true });
    this.mempool.headMoved();
  }

  /** Writes what a vote for the block needs. */
  async keep(block: BlockOutline): Promise<void> {
    await this.store.write(this.application.bodyWrites(block.hash), { sync: true });
  }

  /** All base units there are. */
  async supply(): Promise<bigint> {
    const accounts = await this.application.values('account/', 1_000);
    return accounts.reduce((sum, [key]) => sum + this.application.account(key.slice('account/'.length)).balance, 0n);
  }
}

export function viewAfter({ header }: BlockOutline): number {
  return header.height % EPOCH_BLOCKS === 0 ? 1 : header.view + 1;
}
