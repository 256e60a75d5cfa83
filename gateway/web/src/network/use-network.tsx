import type { ModelObject, StateAnswer } from '@blyan/api';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { client } from '../client.ts';

const POLL_MS = 3000;
const TIMEOUT_MS = 5000;

export interface Network {
  readonly state: StateAnswer | null;
  readonly models: readonly ModelObject[];
  /** Null while the gateway answers. */
  readonly problem: string | null;
}

const UNKNOWN: Network = { state: null, models: [], problem: null };
const Context = createContext(UNKNOWN);

/** What the gateway knows of the network, asked once for all parts of the page, every three seconds while it is visible. */
export function NetworkProvider({ children }: { readonly children: ReactNode }) {
  return <Context value={usePolledNetwork()}>{children}</Context>;
}

export function useNetwork(): Network {
  return useContext(Context);
}

function usePolledNetwork(): Network {
  const [network, setNetwork] = useState(UNKNOWN);
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
