import { isRoot, type Root } from '@blyan/interface';
import { TensorBlockError } from '@blyan/tensorblock';
import { StoreError } from './errors.ts';

export function assertRoot(root: Root): Root {
  if (!isRoot(root)) {
    throw new StoreError('ERR_STORE_ROOT', 'A root is 64 lower-case hexadecimal digits.', { kind: 'caller' });
  }
  return root;
}

export function notFound(root: Root): StoreError {
  return new StoreError('ERR_STORE_NOT_FOUND', `Block ${root} is not stored here; fetch or import it.`, {
    kind: 'caller',
    meta: { root },
  });
}

export function otherBlock(root: Root, actual: Root): TensorBlockError {
  return new TensorBlockError('ERR_TENSORBLOCK_ROOT_MISMATCH', `The file is not block ${root} but ${actual}.`);
}

export function corrupt(root: Root, cause: TensorBlockError, kind: 'caller' | 'internal'): StoreError {
  return new StoreError('ERR_STORE_CORRUPT', `Block ${root} was corrupt and has been removed: ${cause.message}`, {
    kind,
    meta: { ...cause.meta, root },
    cause,
  });
}
