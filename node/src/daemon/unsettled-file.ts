import { readFile, rm, stat } from 'node:fs/promises';
import { errorCode } from '@blyan/interface';
import { writeFileAtomic } from '../data-dir/atomic-file.ts';
import { NodeError } from '../errors.ts';

/** The gateway keeps 10,000 lines of less than 1.5 KiB. */
const MAX_BYTES = 16 * 1024 * 1024;

/** What a gateway has to tell its ledger, in a file that is there while there is something. */
export class UnsettledFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Empty where there is no file. @throws ERR_NODE_DATA_DIR when it is larger than any that is written; what the disk refuses */
  async read(): Promise<string> {
    try {
      const { size } = await stat(this.#path);
      if (size <= MAX_BYTES) return await readFile(this.#path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return '';
      throw error;
    }
    const message = `${this.#path} has more than ${MAX_BYTES} bytes and is not what a gateway wrote: move it away.`;
    throw new NodeError('ERR_NODE_DATA_DIR', message, { kind: 'caller' });
  }

  /** On disk when this settles; an empty text removes the file. @throws what the disk refuses; then the file is as it was */
  async write(text: string): Promise<void> {
    await (text === '' ? rm(this.#path, { force: true }) : writeFileAtomic(this.#path, text, 0o600));
  }
}
