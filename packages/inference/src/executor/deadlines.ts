/** Every wait of the executor ends. Milliseconds. */

/** One expert call, a cold expert's load from disk included. */
export const EXPERTS_TIMEOUT_MS = 60_000;
/** How long a lost holder of experts that nobody else holds is waited for: a restart and its way back. */
export const HOLDER_RETURN_MS = 30_000;
/** From a step's departure to its result: the slowest prompt chunk through all stages. */
export const STEP_TIMEOUT_MS = 120_000;
/** Opening a stage; it may first verify blocks. */
export const OPEN_TIMEOUT_MS = 60_000;
/** Closing a stage and hearing what it did. */
export const CLOSE_TIMEOUT_MS = 3_000;
/** A single row through a remote embedding or head. */
export const ROW_TIMEOUT_MS = 60_000;
/** A delegate that is quiet for longer has failed; it may first fetch blocks. */
export const DELEGATE_IDLE_MS = 300_000;
