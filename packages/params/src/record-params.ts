/** Milliseconds a node record lives in a small network, the shortest. With the clock skew it keeps "gone within 30 s". */
export const RECORD_TTL_MS = 20_000;
/** Most milliseconds a node record may live: in large networks they are issued less often. */
export const MAX_RECORD_TTL_MS = 600_000;
/** Milliseconds between two issues of an unchanged record in a small network; always a quarter of its life. */
export const RECORD_INTERVAL_MS = 5_000;
/** Most bytes of a signed record. */
export const MAX_RECORD_BYTES = 65_536;
/** Milliseconds a record's clock may differ from the reader's. */
export const MAX_CLOCK_SKEW_MS = 10_000;
/** Most records a node keeps. */
export const MAX_RECORDS = 4_096;
/** Most models one record may list. */
export const MAX_MODELS_PER_RECORD = 16;
/** Most addresses one record may list. */
export const MAX_ADDRESSES_PER_RECORD = 16;
