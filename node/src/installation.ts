import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { NodeError } from './errors.ts';

// The repository keeps these folders at its top; a packed installation carries copies beside `dist`.
const PLACES = ['../', '../../'];

/**
 * Path of something that comes with the program but not in `src`: `genesis`, `scripts/bench`.
 * @throws ERR_NODE_MISSING_FILE
 */
export async function installedPath(name: string): Promise<string> {
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place + name, import.meta.url));
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw new NodeError(
    'ERR_NODE_MISSING_FILE',
    `This installation has no "${name}". Run the command in a clone of the repository.`,
    {
      kind: 'caller',
      meta: { name },
    },
  );
}
