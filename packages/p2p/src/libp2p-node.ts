import { createHash } from 'node:crypto';
import { MAX_RECORD_TTL_MS } from '@blyan/params';
import { yamux } from '@chainsafe/libp2p-yamux';
import { type GossipSub, gossipsub, StrictNoSign } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import type { ConnectionGater, Ed25519PrivateKey, Libp2p } from '@libp2p/interface';
import { mdns } from '@libp2p/mdns';
import { type Ping, ping } from '@libp2p/ping';
import { createLibp2p } from 'libp2p';
import { coalescingTcp } from './coalescing-tcp.ts';
import { fastNoise } from './fast-noise.ts';
import { noisePrologue } from './join-secret.ts';
import { agentVersion } from './protocol-id.ts';

export type HostServices = { identify: Identify; ping: Ping; pubsub: GossipSub };
export type Libp2pNode = Libp2p<HostServices>;

export interface Libp2pNodeOptions {
  readonly privateKey: Ed25519PrivateKey;
  readonly networkId: string;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly mdns: boolean;
  readonly joinSecret: Uint8Array | undefined;
  readonly maxConnections: number;
  readonly version: string;
  readonly allowedTopics: readonly string[];
  readonly maxGossipBytes: number;
}

/** Small networks: every member is in everyone's mesh until there are a dozen. */
const GOSSIP_DEGREES = { D: 8, Dlo: 6, Dhi: 12, Dout: 2, Dlazy: 6 };
/** Longer than a record lives, so that an expired one is not accepted again as new. */
const GOSSIP_SEEN_TTL_MS = MAX_RECORD_TTL_MS + 60_000;
/** Gossip holds more than ten peers of one address against each of them; here they are one machine's, for a test. */
const LOOPBACK = new Set(['127.0.0.1', '::1']);
/** A node that computes may be late to answer a liveness ping; one that is gone closes its connection at once. */
const LIVENESS_TIMEOUT_MS = 10_000;

export async function createNode(options: Libp2pNodeOptions, gater: ConnectionGater): Promise<Libp2pNode> {
  const serviceTag = `_blyan-${options.networkId.slice(0, 8)}._udp.local`;
  return await createLibp2p<HostServices>({
    start: false,
    privateKey: options.privateKey,
    nodeInfo: {
      name: 'blyan',
      version: options.version,
      userAgent: agentVersion(options.version, options.networkId),
    },
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [coalescingTcp({ maxConnections: options.maxConnections * 2 })],
    connectionEncrypters: [fastNoise({ prologueBytes: noisePrologue(options.networkId, options.joinSecret) })],
    streamMuxers: [yamux()],
    connectionGater: gater,
    connectionManager: {
      maxConnections: options.maxConnections,
      inboundConnectionThreshold: 64,
      maxIncomingPendingConnections: 64,
      reconnectRetries: 0,
    },
    connectionMonitor: { pingTimeout: { minTimeout: LIVENESS_TIMEOUT_MS } },
    peerDiscovery: options.mdns ? [mdns({ serviceTag })] : [],
    services: {
      identify: identify({ runOnConnectionOpen: false }),
      ping: ping(),
      pubsub: gossipsub({
        ...GOSSIP_DEGREES,
        // Records carry their own signature; a second one per hop would double their size and the checking.
        globalSignaturePolicy: StrictNoSign,
        msgIdFn: (message) => createHash('sha256').update(message.topic).update('\0').update(message.data).digest(),
        allowPublishToZeroTopicPeers: true,
        ignoreDuplicatePublishError: true,
        floodPublish: true,
        emitSelf: false,
        allowedTopics: [...options.allowedTopics],
        maxInboundDataLength: options.maxGossipBytes,
        seenTTL: GOSSIP_SEEN_TTL_MS,
        scoreParams: { IPColocationFactorWhitelist: LOOPBACK },
      }),
    },
  });
}
