import type { CryptoSuite } from '@blyan/chain-format';
import { nodeSuite } from '@blyan/crypto';

/**
 * OpenSSL's verdicts, each asked for once: the simulated nodes share one processor, and would all check the same signatures.
 * Key, message and signature make up the memo's key, so that it says of nothing what was not checked.
 */
export function memoisedSuite(): CryptoSuite {
  const verdicts = new Map<string, boolean>();
  return {
    sha256: nodeSuite.sha256,
    verify(message, signature, publicKey) {
      const key = Buffer.concat([publicKey, signature, message]).toString('latin1');
      let verdict = verdicts.get(key);
      if (verdict === undefined) {
        verdict = nodeSuite.verify(message, signature, publicKey);
        verdicts.set(key, verdict);
      }
      return verdict;
    },
  };
}
