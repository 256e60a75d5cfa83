/** Structured log lines. Text that came from a peer is logged at debug only; prompts and secrets never. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Wall-clock time in milliseconds since the epoch. */
export interface Clock {
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Milliseconds since some moment of this process: for spans of time, because it never goes back. */
export const monotonicClock: Clock = { nowMs: () => performance.now() };

/** Something that is started once and stopped once; `stop` is idempotent and always ends. */
export interface Service {
  start(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
