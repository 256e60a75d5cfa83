const CHANNEL = 'blyan.session';
/** A session that is ended elsewhere is noticed by then at the latest, while the page is looked at. */
const POLL_MS = 30_000;

/**
 * Calls back at once, when the page is looked at again, from time to time while it is, and when another tab signed in or
 * out.
 * @returns what ends it
 */
export function watchSession(onLook: () => void): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const look = () => {
    if (document.visibilityState === 'visible') onLook();
  };
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener('message', onLook, { signal });
  document.addEventListener('visibilitychange', look, { signal });
  window.addEventListener('focus', look, { signal });
  const timer = setInterval(look, POLL_MS);
  onLook();
  return () => {
    ended.abort();
    clearInterval(timer);
    channel.close();
  };
}

/** Other tabs look at the session again. */
export function tellOtherTabs(): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(null);
  channel.close();
}
