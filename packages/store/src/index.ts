export { type AdmitOptions, BlockStore } from './block-store.ts';
export { type DerivedIdentity, derivedHeader } from './derived-identity.ts';
export { StoreError, type StoreErrorCode } from './errors.ts';
export { FileBlobs } from './file-blobs.ts';
export { checkLevelFiles } from './level-files/check-level-files.ts';
export type { FileDamage } from './level-files/file-damage.ts';
export { LevelStore, type LevelStoreOptions } from './level-store.ts';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.ts';
export type { BlockEntry, BlockStoreDeps, BlockStoreEvents, BlockStoreOptions, StoredBlock } from './types.ts';
