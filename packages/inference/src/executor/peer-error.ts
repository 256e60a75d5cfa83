import type { PeerId } from '@blyan/interface';
import { InferenceError } from '../errors.ts';

/** What the last stage returned cannot be rows of the model. */
export class GarbageError extends InferenceError {
  constructor() {
    super('ERR_INFERENCE_FRAME', 'A node returned what cannot be rows of this model.', { kind: 'peer' });
  }
}

/** A node that was asked on the way of rows, or should have taken them, has failed. */
export class PeerError extends Error {
  readonly peerId: PeerId;

  constructor(peerId: PeerId, cause: unknown) {
    super('a node failed', { cause });
    this.peerId = peerId;
  }
}

/** Work that a node does for this one. @throws PeerError */
export async function attempt<T>(peerId: PeerId, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new PeerError(peerId, error);
  }
}
