export { commonHost } from './address.ts';
export {
  ANSWER_TTL_MS,
  type JournalPeers,
  NetworkJournal,
  type NetworkJournalDeps,
  type WirePart,
} from './answer-journal.ts';
export { AnswerShelf } from './answer-shelf.ts';
export {
  BlockExchange,
  type BlockExchangeDeps,
  type BlockExchangeOptions,
  type FetchOptions,
  type FetchProgress,
} from './block-exchange.ts';
export type { PeerFault } from './block-fetch.ts';
export type { CallContext } from './call-server.ts';
export { P2pChainNetwork, type P2pChainNetworkDeps } from './chain/p2p-chain-network.ts';
export { P2pError, type P2pErrorCode, RemoteError } from './errors.ts';
export { GenesisExchange, MAX_GENESIS_BYTES } from './genesis-exchange.ts';
export { P2pHost, type P2pHostDeps, type P2pHostOptions } from './host.ts';
export { generateIdentity, IDENTITY_FILE_BYTES, type Identity, loadOrCreateIdentity } from './identity.ts';
export { decodeInvite, encodeInvite, INVITE_PREFIX, type Invite, isInvite } from './invite.ts';
export { MAX_JOIN_SECRET_BYTES, MIN_JOIN_SECRET_BYTES } from './join-secret.ts';
export { NetworkJournalPeers } from './journal-peers.ts';
export { Link, type LinkLateness, type LinkOptions } from './link.ts';
export { type LinkClock, preciseClock } from './link-clock.ts';
export type { LinkConditions } from './link-conditions.ts';
export { decodeNodeRecord, encodeNodeRecord, peerIdOf } from './node-record.ts';
export { NodeRecords, type NodeRecordsDeps } from './node-records.ts';
export { PeerProtocol, type PeerProtocolOptions } from './peer-protocol.ts';
export { networkPrefix, protocolId } from './protocol-id.ts';
export type { StreamOptions } from './response-stream.ts';
export type { CallOptions } from './unary-call.ts';
