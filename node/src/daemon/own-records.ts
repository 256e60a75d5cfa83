import { type Chain, errorCode, type Hash, type Logger } from '@blyan/interface';
import { type Author, addressOf, type RecordContent, signedRecord } from '../chain/records.ts';

export interface OwnRecordsDeps {
  readonly chain: Chain;
  readonly author: Author;
  readonly logger: Logger;
}

/** Records that this node signs itself: one after the other, so that their nonces follow. */
export class OwnRecords {
  readonly #deps: OwnRecordsDeps;

  constructor(deps: OwnRecordsDeps) {
    this.#deps = deps;
  }

  get address(): string {
    return addressOf(this.#deps.author);
  }

  /** Hands the record to the chain. @returns its hash; null when it was refused, which is logged */
  async send(content: RecordContent): Promise<Hash | null> {
    const { chain, author, logger } = this.#deps;
    try {
      const { networkId } = chain.head();
      const { nextNonce } = chain.account(this.address);
      return await chain.submit(signedRecord(content, { network: networkId, nonce: nextNonce }, author));
    } catch (error) {
      const fields = { type: content.type, code: errorCode(error), reason: (error as Error).message };
      logger.warn('the chain did not take a record of this node', fields);
      return null;
    }
  }
}
