import { useEffect, useState } from 'react';

export interface Loaded<T> {
  /** Null until it came; kept while it is asked for again under the same key. */
  readonly data: T | null;
  readonly error: Error | null;
}

const NOTHING = { data: null, error: null };

/**
 * What is asked for when the page shows, when the key changes, and every so many milliseconds while it is visible.
 *
 * @param key - says what `load` asks for: another one asks anew and forgets the last answer
 * @param everyMs - 0: once
 */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>, everyMs = 0): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { readonly key: string }>({ ...NOTHING, key });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when it is another question
  useEffect(() => {
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') {
        try {
          const data = await load(stopped.signal);
          if (!stopped.signal.aborted) setLoaded({ key, data, error: null });
        } catch (error) {
          const known = error instanceof Error ? error : new Error(String(error));
          if (!stopped.signal.aborted)
            setLoaded((last) => ({ ...(last.key === key ? last : NOTHING), key, error: known }));
        }
      }
      if (everyMs > 0 && !stopped.signal.aborted) timer = setTimeout(ask, everyMs);
    };
    void ask();
    if (everyMs > 0) document.addEventListener('visibilitychange', ask, { signal: stopped.signal });
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs]);
  return loaded.key === key ? loaded : NOTHING;
}
