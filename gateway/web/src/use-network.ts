import type { ModelObject, StateAnswer } from '@blyan/api';
import { useEffect, useState } from 'react';
import { client } from './client.ts';

const POLL_MS = 3000;
const TIMEOUT_MS = 5000;

export interface Network {
  readonly state: StateAnswer | null;
  readonly models: readonly ModelObject[];
  /** Null while the gateway answers. */
  readonly problem: string | null;
}

/** What the gateway knows of the network, asked every three seconds while the page is visible. */
export function useNetwork(): Network {
  const [network, setNetwork] = useState<Network>({ state: null, models: [], problem: null });
  useEffect(() => {
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = async () => {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') {
        const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(TIMEOUT_MS)]);
        try {
          const [state, models] = await Promise.all([client.state(signal), client.models(signal)]);
          if (!stopped.signal.aborted) setNetwork({ state, models: models.data, problem: null });
        } catch {
          if (!stopped.signal.aborted) setNetwork((last) => ({ ...last, problem: 'The gateway does not answer.' }));
        }
      }
      if (!stopped.signal.aborted) timer = setTimeout(poll, POLL_MS);
    };
    void poll();
    document.addEventListener('visibilitychange', poll, { signal: stopped.signal });
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, []);
  return network;
}
