import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { TensorBlockError } from '@blyan/tensorblock';
import { expect, it } from 'vitest';
import { isSystemFault, StoreError, systemError } from '../src/errors.ts';

it.skipIf(!existsSync('/dev/full'))('a full disk is told as such, with the way out', async () => {
  const handle = await open('/dev/full', 'w');
  const cause = await handle.write('x').catch((error: unknown) => error);
  await handle.close();
  const full = expect.objectContaining({
    code: 'ERR_STORE_DISK_FULL',
    kind: 'internal',
    message: expect.stringMatching(/Free some space/),
    meta: { errno: 'ENOSPC' },
    cause,
  });
  expect(systemError(cause, 'storing')).toEqual(full);
});

it('a refusal of the system is ours, a fault of the bytes or a bug stays what it is', () => {
  const full = new TensorBlockError('ERR_TENSORBLOCK_DISK_FULL', 'full', { meta: { errno: 'ENOSPC' } });
  expect(systemError(full, 'storing')).toMatchObject({ code: 'ERR_STORE_DISK_FULL', meta: { errno: 'ENOSPC' } });
  const readOnly = Object.assign(new Error('no'), { code: 'EROFS' });
  expect(systemError(readOnly, 'storing')).toMatchObject({
    code: 'ERR_STORE_IO',
    message: expect.stringMatching(/writable/),
  });
  const mismatch = new TensorBlockError('ERR_TENSORBLOCK_LEAF_MISMATCH', 'bad');
  for (const error of [mismatch, new StoreError('ERR_STORE_QUOTA', 'no'), new TypeError('bug'), 'text', undefined]) {
    expect(isSystemFault(error)).toBe(false);
    expect(systemError(error, 'storing')).toBe(error);
  }
});
