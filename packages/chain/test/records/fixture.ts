import type { ChainRecord, HashedRecord, RecordFields } from '@blyan/chain-format';
import { fromHex, toHex } from '@blyan/crypto';
import { applyRecord, type ExecutionContext } from '../../src/records/apply-record.ts';
import type { Refusal } from '../../src/records/record-errors.ts';
import { RECORD_TYPES } from '../../src/records/record-registry.ts';
import { StateDraft } from '../../src/state/state-draft.ts';
import { PACT_KEY } from '../../src/state/state-keys.ts';
import { EMPTY_STATE } from '../../src/state/state-reader.ts';

export const hash = (byte: number) => toHex(new Uint8Array(32).fill(byte));
export const bytes = (byte: number) => new Uint8Array(32).fill(byte);
export const ALICE = hash(0xa1);
export const BOB = hash(0xb0);
export const PARENT = hash(0x77);

type Part = Partial<Omit<RecordFields, 'body'>> & { body?: object };

/** Records that nobody signed, applied to one state in a row. */
export class Ledger {
  readonly draft: StateDraft;
  readonly context: ExecutionContext;

  constructor(options: { permille?: number } = {}) {
    this.draft = new StateDraft(EMPTY_STATE);
    if (options.permille !== undefined) {
      this.draft.put(PACT_KEY, { chain: { transactionFeePermille: options.permille } });
    }
    this.context = { height: 5, timeMs: 1_000, parent: PARENT, registry: RECORD_TYPES };
  }

  /** The author's next record, unless the part says otherwise. */
  record(part: Part): HashedRecord {
    const author = part.author ?? ALICE;
    const fields = {
      ...{ network: hash(1), lane: 'C', type: 'transfer', version: 1, fee: 0n, dependsOn: [], body: {} },
      ...{ nonce: this.draft.account(author).nonce, signature: new Uint8Array(64) },
      ...part,
      author,
    };
    return { record: fields as ChainRecord, bytes: new Uint8Array(), hash: hash(9) };
  }

  apply(part: Part): Refusal | null {
    return applyRecord(this.draft, this.record(part), this.context);
  }

  transfer(amount: bigint | number, part: Part = {}): Refusal | null {
    return this.apply({ body: { to: fromHex(BOB), amount }, ...part });
  }

  publish(version: string, part: Part = {}, body: object = {}): Refusal | null {
    const experts = [[bytes(1), bytes(2)], [], [bytes(3)]];
    return this.apply({
      ...{ lane: 'A', type: 'model', body: { name: 'lab/tiny', version, root: bytes(8), experts, ...body } },
      ...part,
    });
  }
}
