/** Every wait of the executor ends. Milliseconds unless said otherwise. */

/** Rows of a prompt that travel together: later stages begin while earlier ones compute the next chunk. */
export const CHUNK_ROWS = 128;
/** One expert call, a cold expert's load from disk included. */
export const EXPERTS_TIMEOUT_MS = 60_000;
/** How long a lost holder of experts that nobody else holds is waited for: a restart and its way back. */
export const HOLDER_RETURN_MS = 30_000;
/** From a step's departure to its result: the slowest prompt chunk through all stages. */
export const STEP_TIMEOUT_MS = 120_000;
/** Opening a stage; it may first verify blocks. */
export const OPEN_TIMEOUT_MS = 60_000;
/** Telling a stage what the one behind it lacks. */
export const REPLAY_TIMEOUT_MS = 10_000;
/** Closing a stage and hearing what it did. */
export const CLOSE_TIMEOUT_MS = 3_000;
/** A single row through a remote embedding or head. */
export const ROW_TIMEOUT_MS = 60_000;
/** A delegate that is quiet for longer has failed; it may first fetch blocks. */
export const DELEGATE_IDLE_MS = 300_000;

/** How long the stages of a coordinator whose connection broke wait for it. */
export const ORPHAN_GRACE_MS = 3_000;
/** How often a node that works for an answer is asked for a sign of life. */
export const HEARTBEAT_INTERVAL_MS = 100;
/** Without one for so long it is given up, unless its signs of life have taken long before: then later, at most so much. */
export const HEARTBEAT_TIMEOUT_MS = 350;
export const MAX_HEARTBEAT_TIMEOUT_MS = 3_000;
/** How long an answer waits for somebody to take the place of a lost node before it fails. */
export const RETURN_WAIT_MS = 30_000;
/** Most times one answer replaces nodes. */
export const MAX_FAILOVERS = 16;
/** A result is late after this many times the usual time of a token, within the bounds below. */
export const LATE_FACTOR = 8;
export const MIN_LATE_MS = 150;
/** Before anything is usual: how often to look where the rows are. */
export const FIRST_LATE_MS = 1_000;
export const MAX_LATE_MS = 20_000;
/** A stage that was found behind so often in a row is given up as slow. */
export const SLOW_STRIKES = 3;
/** How often to look whether a lost node is back. */
export const RETURN_POLL_MS = 250;
