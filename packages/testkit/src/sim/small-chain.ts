import type { BlockOutline, ValidatorSet } from '@blyan/chain-format';
import { toHex } from '@blyan/crypto';
import type { Hash } from '@blyan/interface';
import type { MemoryStore } from '@blyan/store';
import type { Reference, SimApplication, SimChain } from './sim-application.ts';
import { genesisBlock, SmallApplication, type SmallApplicationOptions, stateAfter } from './small-application.ts';

/** Nodes agree on a set of records of any bytes; who votes in which epoch is given. */
export class SmallChain implements SimChain {
  readonly network: string;
  readonly founding = [];
  readonly reference: Reference;
  readonly #options: SmallApplicationOptions;
  #records = 0;

  constructor(options: SmallApplicationOptions) {
    this.#options = options;
    this.network = options.network;
    this.reference = new SmallReference(options);
  }

  async open(store: MemoryStore): Promise<SimApplication> {
    return new SmallApplication(this.#options, store);
  }

  hashOf(record: Uint8Array): Hash {
    return toHex(this.#options.suite.sha256(record));
  }

  nextRecords(): readonly Uint8Array[] {
    return [new TextEncoder().encode(`record ${this.#records++}`)];
  }
}

class SmallReference implements Reference {
  readonly #options: SmallApplicationOptions;
  #head: BlockOutline;

  constructor(options: SmallApplicationOptions) {
    this.#options = options;
    this.#head = genesisBlock(options);
  }

  get head(): BlockOutline {
    return this.#head;
  }

  validatorsOf(epoch: number): ValidatorSet {
    return this.#options.validatorsOf(epoch);
  }

  execute(block: BlockOutline): string | null {
    const expected = stateAfter(this.#head, block.recordHashes, this.#options.suite);
    this.#head = block;
    return block.header.stateRoot === expected ? null : 'claims a state that its records do not give';
  }
}
