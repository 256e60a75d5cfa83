import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRoot, type Root } from '@blyan/interface';
import { z } from 'zod';
import { writeFileAtomic } from '../data-dir/atomic-file.ts';

const schema = z.record(z.string(), z.object({ fingerprint: z.string(), root: z.string().refine(isRoot) }));
type Entries = z.infer<typeof schema>;

const MAX_ENTRIES = 64;

/** Which folder became which model, so that a second start imports nothing. A damaged record only costs an import. */
export class ImportRecord {
  readonly #path: string;

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'imports.json');
  }

  async rootOf(folder: string, fingerprint: string): Promise<Root | null> {
    const entry = (await this.#read())[folder];
    return entry?.fingerprint === fingerprint ? entry.root : null;
  }

  async add(folder: string, fingerprint: string, root: Root): Promise<void> {
    const { [folder]: _, ...others } = await this.#read();
    const kept = Object.entries(others).slice(-(MAX_ENTRIES - 1));
    const entries = { ...Object.fromEntries(kept), [folder]: { fingerprint, root } };
    await writeFileAtomic(this.#path, `${JSON.stringify(entries)}\n`, 0o644);
  }

  async #read(): Promise<Entries> {
    try {
      return schema.parse(JSON.parse(await readFile(this.#path, 'utf8')));
    } catch {
      return {};
    }
  }
}
