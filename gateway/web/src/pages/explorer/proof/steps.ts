/** A validator of the epoch, and whether it signed. */
export interface Signer {
  readonly publicKey: string;
  readonly weight: number;
  readonly signed: boolean;
  /** As the genesis calls it; null for one that came later. */
  readonly name: string | null;
}

/** Something that was shown to hold, each on top of those before it. */
export type ProofStep =
  | { readonly at: 'genesis'; readonly network: string; readonly validators: number }
  /** The ends of so many epochs were followed to the validators of this one. */
  | { readonly at: 'epochs'; readonly epoch: number }
  | {
      readonly at: 'finality';
      readonly height: number;
      readonly epoch: number;
      readonly validatorsHash: string;
      readonly signers: readonly Signer[];
      readonly weight: number;
      readonly total: number;
      readonly quorum: number;
      /** Blocks between this one and the one that was signed; 0 where it was itself. */
      readonly descendants: number;
    }
  | { readonly at: 'records'; readonly count: number }
  | { readonly at: 'record'; readonly index: number; readonly count: number }
  | { readonly at: 'author'; readonly author: string }
  | { readonly at: 'state'; readonly key: string; readonly siblings: number; readonly isAbsent: boolean };

export type StepName = ProofStep['at'];

export interface ProofFailure {
  readonly at: StepName;
  /** `refuted`: what the node says is not so. `open`: it could be so. `offline`: the node did not answer. */
  readonly kind: 'refuted' | 'open' | 'offline';
  /** An `UnprovenReason`, or the code of the error. */
  readonly reason: string;
}

export interface ProofState {
  readonly status: 'running' | 'proven' | 'failed';
  readonly steps: readonly ProofStep[];
  /** The epoch that is being followed. */
  readonly epoch: number | null;
  readonly failure: ProofFailure | null;
}
