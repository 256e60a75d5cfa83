import * as chain from './chain-params.ts';
import * as record from './record-params.ts';
import * as request from './request-params.ts';
import * as block from './tensor-block-params.ts';
import * as wire from './wire-params.ts';

/**
 * Everything two nodes must agree on, as integers and strings only, so that it has canonical bytes. It is part of the
 * genesis and hence of the network id: a build with other values is another network.
 */
export const PROTOCOL_PARAMS = Object.freeze({
  tensorBlock: Object.freeze({
    version: block.TENSOR_BLOCK_VERSION,
    leafBytes: block.LEAF_BYTES,
    merkleArity: block.MERKLE_ARITY,
    leavesPerTile: block.LEAVES_PER_TILE,
    tensorAlignment: block.TENSOR_ALIGNMENT,
    maxManifestBytes: block.MAX_BLOCK_MANIFEST_BYTES,
    quantBlock: block.QUANT_BLOCK,
  }),
  records: Object.freeze({
    ttlMs: record.RECORD_TTL_MS,
    maxTtlMs: record.MAX_RECORD_TTL_MS,
    intervalMs: record.RECORD_INTERVAL_MS,
    maxBytes: record.MAX_RECORD_BYTES,
    maxClockSkewMs: record.MAX_CLOCK_SKEW_MS,
  }),
  wire: Object.freeze({
    majors: wire.PROTOCOL_MAJORS,
    maxFrameBytes: wire.MAX_FRAME_BYTES,
    maxStepRows: wire.MAX_STEP_ROWS,
  }),
  bounds: Object.freeze({
    maxSequenceTokens: request.MAX_SEQUENCE_TOKENS,
    maxLayers: request.MAX_LAYERS,
    maxExpertsPerLayer: request.MAX_EXPERTS_PER_LAYER,
    maxBlocks: request.MAX_BLOCKS,
    maxStages: request.MAX_STAGES,
  }),
  chain: Object.freeze({
    epochBlocks: chain.EPOCH_BLOCKS,
    maxBlockBytes: chain.MAX_BLOCK_BYTES,
    maxRecordBytes: chain.MAX_CHAIN_RECORD_BYTES,
    maxRecordsPerBlock: chain.MAX_RECORDS_PER_BLOCK,
    maxTimeDriftMs: chain.MAX_TIME_DRIFT_MS,
    maxValidators: chain.MAX_VALIDATORS,
  }),
});
export type ProtocolParams = typeof PROTOCOL_PARAMS;
