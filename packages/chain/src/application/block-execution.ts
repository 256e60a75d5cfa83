import type { HashedRecord } from '@blyan/chain-format';
import { MAX_BLOCK_BYTES, MAX_RECORDS_PER_BLOCK } from '@blyan/params';
import { applyRecord, type ExecutionContext } from '../records/apply-record.ts';
import type { Refusal } from '../records/record-errors.ts';
import { StateDraft } from '../state/state-draft.ts';
import type { StateOverlay } from '../state/state-overlay.ts';
import type { StateReader } from '../state/state-reader.ts';

/** Once a block has changed so many keys, no more records fit. A rule of consensus: it bounds the time that a block takes. */
const FULL_AT_KEYS = 2 * MAX_RECORDS_PER_BLOCK;

/** The records of a block, one after the other, on the state of its parent. */
export class BlockExecution {
  readonly records: HashedRecord[] = [];
  readonly #draft: StateDraft;
  readonly #context: ExecutionContext;
  #fees = 0n;
  #bytes = 0;

  constructor(parent: StateReader, context: ExecutionContext) {
    this.#draft = new StateDraft(parent);
    this.#context = context;
  }

  nonce(author: string): number {
    return this.#draft.account(author).nonce;
  }

  /** Whether the bounds of a block leave room for a record of so many bytes. */
  hasRoom(byteLength: number): boolean {
    return (
      this.records.length < MAX_RECORDS_PER_BLOCK &&
      this.#bytes + byteLength <= MAX_BLOCK_BYTES &&
      this.#draft.changedKeys < FULL_AT_KEYS
    );
  }

  /** Null when the record was applied; else nothing changed. */
  add(record: HashedRecord): Refusal | null {
    const refusal = applyRecord(this.#draft, record, this.#context);
    if (refusal !== null) return refusal;
    this.#fees += record.record.fee;
    this.#bytes += record.bytes.length;
    this.records.push(record);
    return null;
  }

  /** The state after the block, its fees in the proposer's account. */
  seal(proposer: string): StateOverlay {
    if (this.#fees > 0n) {
      const account = this.#draft.account(proposer);
      this.#draft.putAccount(proposer, { ...account, balance: account.balance + this.#fees });
    }
    return this.#draft.seal();
  }
}
