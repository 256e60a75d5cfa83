import { useEffect, useState } from 'react';
import { client } from '../../client.ts';
import { ChainVerifier, type ProofListener } from './proof/chain-verifier.ts';
import { runProof } from './proof/run-proof.ts';
import type { ProofState } from './proof/steps.ts';
import { trustedNetwork, trustNetwork } from './trusted-network.ts';

/** What there is to show, with the verifier of this page. */
export type Check = (verifier: ChainVerifier, listener: ProofListener, signal: AbortSignal) => Promise<void>;

// One for the page: epochs that were followed once need not be followed again.
let verifier: { readonly trusted: string | null; readonly own: ChainVerifier } | null = null;

function verifierFor(trusted: string | null): ChainVerifier {
  if (verifier === null || verifier.trusted !== trusted) {
    verifier = { trusted, own: new ChainVerifier(client.chain, trusted) };
  }
  return verifier.own;
}

export interface Proof {
  readonly state: ProofState | null;
  readonly trusted: string | null;
  /** Believes this network only; null: whatever network the gateway serves. */
  readonly trust: (network: string | null) => void;
}

/** @param key - says what is checked: another one begins anew */
export function useProof(key: string, check: Check): Proof {
  const [state, setState] = useState<ProofState | null>(null);
  const [trusted, setTrusted] = useState(trustedNetwork);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when it is another check
  useEffect(() => {
    const stopped = new AbortController();
    const { signal } = stopped;
    void runProof((listener) => check(verifierFor(trusted), listener, signal), setState, signal);
    return () => stopped.abort();
  }, [key, trusted]);
  const trust = (network: string | null) => {
    trustNetwork(network);
    setTrusted(network);
  };
  return { state, trusted, trust };
}
