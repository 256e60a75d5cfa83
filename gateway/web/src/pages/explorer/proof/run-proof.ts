import { ApiClientError } from '@blyan/api';
import type { ProofListener } from './chain-verifier.ts';
import type { ProofFailure, ProofState, StepName } from './steps.ts';
import { Unproven, type UnprovenReason } from './unproven.ts';

/** The proof as it goes on; the last state is told once more by the promise. Aborted, it tells nothing any more. */
export async function runProof(
  check: (listener: ProofListener, signal: AbortSignal) => Promise<void>,
  tell: (state: ProofState) => void,
  signal: AbortSignal,
): Promise<ProofState> {
  let state: ProofState = { status: 'running', steps: [], epoch: null, failure: null };
  let at: StepName = 'genesis';
  const become = (change: Partial<ProofState>) => {
    state = { ...state, ...change };
    if (!signal.aborted) tell(state);
  };
  become({});
  try {
    const listener: ProofListener = {
      begins: (step) => {
        at = step;
      },
      shown: (step) => become({ steps: [...state.steps, step] }),
      followed: (epoch) => become({ epoch }),
    };
    await check(listener, signal);
    become({ status: 'proven' });
  } catch (error) {
    become({ status: 'failed', failure: { at, ...kindOf(error) } });
  }
  return state;
}

/** What is not contradicted, only not shown. */
const OPEN: readonly UnprovenReason[] = ['missing', 'unsigned', 'waiting'];

function kindOf(error: unknown): Omit<ProofFailure, 'at'> {
  if (error instanceof Unproven)
    return { kind: OPEN.includes(error.reason) ? 'open' : 'refuted', reason: error.reason };
  if (error instanceof ApiClientError) {
    const code = String(error.meta.serverCode ?? error.code);
    return { kind: error.code === 'ERR_API_REFUSED' ? 'open' : 'offline', reason: code };
  }
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'bytes';
  return { kind: 'refuted', reason: code };
}
