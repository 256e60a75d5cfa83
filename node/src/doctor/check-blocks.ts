import { randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, isRoot } from '@blyan/interface';
import { verifyBlockFile } from '@blyan/tensorblock';
import { dataDirPaths } from '../data-dir/data-dir.ts';
import { type Check, fail, ok } from './check.ts';

const SAMPLES = 4;

/** Hashes a few stored blocks drawn at random; `model verify` hashes all. */
export const checkBlocks: Check = {
  name: 'blocks',
  async run({ config, signal }) {
    const dir = dataDirPaths(config.dataDir).blocks;
    const names = await readdir(dir).catch((error) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    });
    const roots = names
      .filter((name) => name.endsWith('.tb'))
      .map((name) => name.slice(0, -3))
      .filter(isRoot);
    if (roots.length === 0) return [ok('none stored')];
    const total = roots.length;
    const damaged = [];
    const count = Math.min(SAMPLES, total);
    for (let i = 0; i < count; i++) {
      const [root = ''] = roots.splice(randomInt(roots.length), 1);
      try {
        await verifyBlockFile(join(dir, `${root}.tb`), root, { signal });
      } catch (error) {
        signal.throwIfAborted();
        // Removed by its daemon in the meantime.
        if (errorCode((error as Error).cause) === 'ENOENT') continue;
        damaged.push(
          fail((error as Error).message, 'Start the node: it removes the block and fetches it from a peer.'),
        );
      }
    }
    return damaged.length > 0 ? damaged : [ok(`${count} of ${total} hashed, all sound`)];
  },
};
