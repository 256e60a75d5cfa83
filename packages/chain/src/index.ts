export { buildGenesis } from './build-genesis.ts';
export { ChainError, type ChainErrorCode } from './errors.ts';
export {
  assertProtocolParams,
  type BuiltGenesis,
  decodeGenesis,
  encodeGenesis,
  MAX_GENESIS_BYTES,
  verifyGenesis,
} from './genesis-bytes.ts';
export type { GenesisFile } from './genesis-folder.ts';
export type { Genesis, GenesisProtocol, PrivateGenesis, PublicGenesis } from './genesis-schema.ts';
export type { HeadState, RecordSource } from './mempool/record-source.ts';
export type { PactParams } from './pact-schema.ts';
export { type PrivateGenesisOptions, privateGenesis } from './private-genesis.ts';
