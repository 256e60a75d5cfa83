/**
 * The same events, but an abort ends the wait for the next one at once, whether or not the source looks at the signal.
 *
 * @throws the signal's reason once it is aborted
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const iterator = source[Symbol.asyncIterator]();
  let giveUp: (reason: unknown) => void = () => {};
  const onAbort = () => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      // Not a race with one promise of the abort: that would keep every event for as long as the source gives some.
      const step = await new Promise<IteratorResult<T>>((resolve, reject) => {
        giveUp = reject;
        iterator.next().then(resolve, reject);
      });
      if (step.done) return;
      yield step.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a source that is stuck would hold up the one who gave up on it.
    iterator.return?.().catch(() => {});
  }
}
