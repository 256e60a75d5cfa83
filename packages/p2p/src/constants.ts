/** Bytes of a streamed response that may be sent and not yet consumed. */
export const STREAM_WINDOW_BYTES = 1024 * 1024;
/** The consumer returns credit when this much was consumed. */
export const STREAM_CREDIT_BYTES = STREAM_WINDOW_BYTES / 4;

export const DEFAULT_MAX_FRAME_BYTES = 8 * 1024 * 1024;
export const DEFAULT_MAX_QUEUED_BYTES = 64 * 1024 * 1024;
export const DEFAULT_MAX_PENDING_CALLS = 4096;
export const DEFAULT_MAX_SERVED_CALLS = 1024;
export const DEFAULT_MAX_SERVED_BYTES = 64 * 1024 * 1024;
export const DEFAULT_MAX_NOTIFIED_BYTES = 64 * 1024 * 1024;
/** Dialling, securing and negotiating, before a call can be sent. */
export const OPEN_TIMEOUT_MS = 10_000;
