/** Blocks of an epoch: how long a validator set stays, and how far apart the headers lie that a light client follows. */
export const EPOCH_BLOCKS = 256;
/** Most bytes of a block's records together. */
export const MAX_BLOCK_BYTES = 10_485_760;
/** Most bytes of one record; a model version with the roots of 100,000 experts fits. */
export const MAX_CHAIN_RECORD_BYTES = 4_194_304;
/** Most records of a block: they bound its outline, 32 bytes each. */
export const MAX_RECORDS_PER_BLOCK = 32_768;
/** Milliseconds that a block's time may lie ahead of the clock of whoever votes for it. */
export const MAX_TIME_DRIFT_MS = 10_000;
/** Most validators of an epoch; they bound certificates, 64 bytes each. */
export const MAX_VALIDATORS = 1_024;
