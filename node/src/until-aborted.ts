/** Settles when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The promise's outcome, or the signal's reason when that comes first; the loser's rejection is swallowed. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = untilAborted(signal).then((): never => {
    throw signal.reason;
  });
  promise.catch(() => {});
  aborted.catch(() => {});
  return await Promise.race([promise, aborted]);
}
