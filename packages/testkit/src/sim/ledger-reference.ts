import type { ChainApplication } from '@blyan/chain';
import type { BlockOutline, ValidatorSet } from '@blyan/chain-format';
import type { MemoryStore } from '@blyan/store';
import type { Reference } from './sim-application.ts';

const NOBODY = new Uint8Array();

/** The real application without pool, consensus and crashes: every block that is final anywhere is executed here too. */
export class LedgerReference implements Reference {
  readonly #application: ChainApplication;
  readonly #store: MemoryStore;
  readonly #sets = new Map<number, ValidatorSet>();

  constructor(application: ChainApplication, store: MemoryStore) {
    this.#application = application;
    this.#store = store;
    this.#noteSet();
  }

  get head(): BlockOutline {
    return this.#application.head;
  }

  validatorsOf(epoch: number): ValidatorSet | undefined {
    return this.#sets.get(epoch);
  }

  execute(block: BlockOutline, records: readonly Uint8Array[]): string | null {
    const { hash, header } = block;
    this.#application.addRecords(records);
    const judgement = this.#application.judge(block, header.timeMs);
    if (judgement.verdict !== 'valid') {
      return `is ${judgement.verdict}${judgement.verdict === 'invalid' ? `: ${judgement.code}` : ''}`;
    }
    // Certificates are looked at where nodes believe them.
    const { epoch, view } = header;
    const certificate = { kind: 'finalise', epoch, view, block: hash, signers: NOBODY, signatures: NOBODY } as const;
    this.#store.write(this.#application.commit(hash, certificate), { sync: true });
    this.#noteSet();
    return null;
  }

  #noteSet(): void {
    const { epoch, validators } = this.#application.rules;
    this.#sets.set(epoch, validators);
  }
}
