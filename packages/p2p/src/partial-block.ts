import { type FileHandle, link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Root } from '@blyan/interface';
import { type BlockAssembler, tileRange } from '@blyan/tensorblock';

const MAX_PROOFS_BYTES = 64 * 1024 * 1024;
/** u32 LE tile index, u16 LE bytes of siblings; the siblings follow. */
const ENTRY_HEADER_BYTES = 6;

/**
 * What is left of a fetch that broke off: `<root>.part` holds the tiles that had arrived, `<root>.proofs` their proofs.
 * Nothing in them is trusted: every tile is verified again against the root when the fetch is resumed.
 */
export class PartialBlock {
  readonly #dir: string;
  readonly #data: string;
  readonly #proofs: string;
  #journal: FileHandle | null = null;

  constructor(dir: string, root: Root) {
    this.#dir = dir;
    this.#data = join(dir, `${root}.part`);
    this.#proofs = join(dir, `${root}.proofs`);
  }

  /**
   * Puts the tiles of the earlier attempt that verify into the new one, then keeps the new one's file under the partial
   * name. Without hard links there is no resuming, and nothing else changes.
   *
   * @returns the tiles that need not be fetched
   */
  async attach(assembler: BlockAssembler, signal?: AbortSignal): Promise<Set<number>> {
    const tiles = new Set<number>();
    const kept: Buffer[] = [];
    for (const entry of await this.#entries()) {
      signal?.throwIfAborted();
      if (tiles.has(entry.tile) || !(await this.#replay(assembler, entry))) continue;
      tiles.add(entry.tile);
      kept.push(encodeEntry(entry));
    }
    await this.discard();
    try {
      await mkdir(this.#dir, { recursive: true });
      await link(assembler.path, this.#data);
      this.#journal = await open(this.#proofs, 'ax', 0o644);
      await this.#journal.write(Buffer.concat(kept));
    } catch {
      await this.discard();
    }
    return tiles;
  }

  /** Notes that a tile was verified and written; a note that cannot be written costs only the resuming. */
  async record(tile: number, siblings: Uint8Array): Promise<void> {
    await this.#journal?.write(encodeEntry({ tile, siblings })).catch(() => undefined);
  }

  /** Keeps both files for the next attempt. */
  async suspend(): Promise<void> {
    const journal = this.#journal;
    this.#journal = null;
    await journal?.close();
  }

  async discard(): Promise<void> {
    await this.suspend();
    await rm(this.#data, { force: true });
    await rm(this.#proofs, { force: true });
  }

  async #replay(assembler: BlockAssembler, { tile, siblings }: Entry): Promise<boolean> {
    try {
      const { start, length } = tileRange(assembler.geometry, tile);
      const file = await open(this.#data, 'r');
      try {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, start);
        if (bytesRead !== length) return false;
        await assembler.putTile(tile, bytes, siblings);
        return true;
      } finally {
        await file.close();
      }
    } catch {
      return false;
    }
  }

  async #entries(): Promise<Entry[]> {
    let journal: Buffer;
    try {
      const file = await open(this.#proofs, 'r');
      try {
        if ((await file.stat()).size > MAX_PROOFS_BYTES) return [];
        journal = await readFile(file);
      } finally {
        await file.close();
      }
    } catch {
      return [];
    }
    const entries: Entry[] = [];
    let at = 0;
    while (at + ENTRY_HEADER_BYTES <= journal.byteLength) {
      const start = at + ENTRY_HEADER_BYTES;
      const end = start + journal.readUInt16LE(at + 4);
      // A crash may have cut the last entry short.
      if (end > journal.byteLength) break;
      entries.push({ tile: journal.readUInt32LE(at), siblings: journal.subarray(start, end) });
      at = end;
    }
    return entries;
  }
}

interface Entry {
  readonly tile: number;
  readonly siblings: Uint8Array;
}

function encodeEntry({ tile, siblings }: Entry): Buffer {
  const header = Buffer.alloc(ENTRY_HEADER_BYTES);
  header.writeUInt32LE(tile, 0);
  header.writeUInt16LE(siblings.byteLength, 4);
  return Buffer.concat([header, siblings]);
}
