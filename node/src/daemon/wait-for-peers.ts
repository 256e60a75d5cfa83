import type { P2pHost } from '@blyan/p2p';

/** Emits `change` when something is heard of nodes: records, connections, registrations. */
export interface NewsSource {
  on(event: 'change', listener: () => void): unknown;
  off(event: 'change', listener: () => void): unknown;
}

/** What either tells; the second one may not be there yet, and tells nothing to whoever listened before it was. */
export function newsOfBoth(first: NewsSource, second: () => NewsSource | undefined): NewsSource {
  return {
    on(event, listener) {
      first.on(event, listener);
      second()?.on(event, listener);
    },
    off(event, listener) {
      first.off(event, listener);
      second()?.off(event, listener);
    },
  };
}

/** Settles with the next connection, after `timeoutMs` (peers learn of things without connecting anew), or at the abort. */
export function nextConnection(host: P2pHost, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return firstOf(timeoutMs, signal, (done) => {
    host.on('peer:connect', done);
    return () => host.off('peer:connect', done);
  });
}

/** Settles with the next news about nodes; or after `timeoutMs`, or at the abort. */
export async function nextNews(news: NewsSource, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  let heard = false;
  await firstOf(timeoutMs, signal, (done) => {
    const listener = () => {
      heard = true;
      done();
    };
    news.on('change', listener);
    return () => news.off('change', listener);
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
