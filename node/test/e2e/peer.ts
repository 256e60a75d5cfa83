import { silentLogger, systemClock } from '@blyan/interface';
import { decodeInvite, generateIdentity, type Identity, NodeRecords, P2pHost } from '@blyan/p2p';

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

  constructor({ privateKey }: Identity, networkId: string, bootstrap: readonly string[]) {
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.records.stop();
    await this.host.stop();
  }
}
