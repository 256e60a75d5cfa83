import { errorCode } from '@blyan/interface';

const ATTEMPTS = 4;

/** Does work again whose blocks changed under it: the next attempt finds the damage before it computes, or a repair. */
export async function againIfChanged<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (errorCode(error) !== 'ERR_INFERENCE_BLOCK_CHANGED' || attempt === ATTEMPTS) throw error;
    }
  }
}
