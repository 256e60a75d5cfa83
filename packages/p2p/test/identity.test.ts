import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IDENTITY_FILE_BYTES, loadOrCreateIdentity } from '../src/index.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'blyan-identity-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('loadOrCreateIdentity', () => {
  it('keeps one identity, readable by its owner only, also when two processes start at once', async () => {
    const path = join(dir, 'keys', 'identity');
    const [first, second] = await Promise.all([loadOrCreateIdentity(path), loadOrCreateIdentity(path)]);
    const later = await loadOrCreateIdentity(path);
    expect(second.peerId).toBe(first.peerId);
    expect(later.peerId).toBe(first.peerId);
    const info = await stat(path);
    expect(info.size).toBe(IDENTITY_FILE_BYTES);
    expect(info.mode & 0o777).toBe(0o600);
    expect(await readdir(join(dir, 'keys'))).toEqual(['identity']);
  });

  it('refuses a file that is no such key and leaves it alone', async () => {
    const path = join(dir, 'identity');
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(IDENTITY_FILE_BYTES), Buffer.alloc(100_000)]) {
      await writeFile(path, bytes);
      await expect(loadOrCreateIdentity(path)).rejects.toMatchObject({ code: 'ERR_P2P_IDENTITY', kind: 'caller' });
      expect((await stat(path)).size).toBe(bytes.byteLength);
    }
  });
});
