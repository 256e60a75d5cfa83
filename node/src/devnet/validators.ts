import type { GenesisValidator } from '@blyan/chain';
import { toHex } from '@blyan/crypto';
import { loadOrCreateIdentity } from '@blyan/p2p';
import { dataDirPaths } from '../data-dir/data-dir.ts';

/**
 * How many of a network's nodes validate: the most of the form 3f + 1, for only then does one more let one more fail. Two or
 * three could spare none of them, so that each of them would be one more way to stand still: there, the first node validates
 * alone.
 */
export function validatorCount(nodes: number): number {
  return 3 * Math.floor((nodes - 1) / 3) + 1;
}

/** The first nodes as validators of equal weight; a node's key is made here if its folder has none. */
export async function validatorsOf(dataDirs: readonly string[]): Promise<GenesisValidator[]> {
  const validating = dataDirs.slice(0, validatorCount(dataDirs.length));
  return await Promise.all(
    validating.map(async (dataDir, index) => {
      const { privateKey } = await loadOrCreateIdentity(dataDirPaths(dataDir).nodeKey);
      return { name: `node-${index}`, publicKey: toHex(privateKey.publicKey.raw), weight: 1 };
    }),
  );
}
