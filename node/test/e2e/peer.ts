import { ApiClient } from '@blyan/api';
import { silentLogger, systemClock } from '@blyan/interface';
import { decodeInvite, generateIdentity, type Identity, NodeRecords, P2pHost } from '@blyan/p2p';
import { nodeContent, signedRecord } from '../../src/chain/records.ts';

/** No test makes so many blocks. */
const MAX_HEIGHT = 1_000;

/** A member of a network in this process, with whatever protocols the test gives it. */
export class TestPeer implements AsyncDisposable {
  readonly host: P2pHost;
  readonly records: NodeRecords;
  /** Ed25519. */
  readonly seed: Uint8Array;

  /** Not connected before `join`. */
  static async ofInvite(invite: string): Promise<TestPeer> {
    const { networkId, addresses } = decodeInvite(invite);
    return new TestPeer(await generateIdentity(), networkId, addresses);
  }

  readonly #identity: Identity;

  constructor(identity: Identity, networkId: string, bootstrap: readonly string[]) {
    const { privateKey } = identity;
    this.#identity = identity;
    const logger = silentLogger;
    this.seed = privateKey.raw.subarray(0, 32);
    const options = { privateKey, networkId, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap, mdns: false };
    this.host = new P2pHost(options, { logger, clock: systemClock });
    this.records = new NodeRecords({ host: this.host, privateKey, logger, clock: systemClock });
  }

  /** Settles when the host is connected to a member. */
  async join(): Promise<void> {
    const connected = new Promise<void>((resolve) => this.host.on('peer:connect', () => resolve()));
    await this.host.start();
    await this.records.start();
    if (this.host.peers().length === 0) await connected;
  }

  /** Registers it on the chain, by way of a gateway: plans take no node that is not. */
  async register(gateway: string): Promise<void> {
    const { chain } = new ApiClient({ baseUrl: gateway });
    const claims = { tier: 9, profile: 'liar', memoryBytes: 0, addresses: [] };
    const terms = { network: this.host.networkId, nonce: 0 };
    const record = signedRecord(nodeContent(claims), terms, this.#identity);
    const { hash } = await chain.submit(Buffer.from(record).toString('base64'));
    for await (const { height } of chain.events()) {
      if ((await chain.record(hash)).place !== null) return;
      if (height > MAX_HEIGHT) throw new Error('The record stays without a block.');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.records.stop();
    await this.host.stop();
  }
}
