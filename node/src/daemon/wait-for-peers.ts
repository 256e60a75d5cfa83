import type { NodeRecords, P2pHost } from '@blyan/p2p';

/** Settles with the next connection, after `timeoutMs` (peers learn of things without connecting anew), or at the abort. */
export function nextConnection(host: P2pHost, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return firstOf(timeoutMs, signal, (done) => {
    host.on('peer:connect', done);
    return () => host.off('peer:connect', done);
  });
}

/** Settles with the next news about nodes: records, connections; or after `timeoutMs`, or at the abort. */
export async function nextNews(records: NodeRecords, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  let heard = false;
  await firstOf(timeoutMs, signal, (done) => {
    const listener = () => {
      heard = true;
      done();
    };
    records.on('change', listener);
    return () => records.off('change', listener);
  });
  return heard;
}

/** Settles when `listen` calls back, after `timeoutMs`, or at the abort; `listen` returns what undoes it. */
export function firstOf(
  timeoutMs: number,
  signal: AbortSignal,
  listen: (done: () => void) => () => unknown,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      unlisten();
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    const unlisten = listen(done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
