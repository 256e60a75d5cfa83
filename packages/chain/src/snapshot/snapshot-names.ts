import type { Hash } from '@blyan/interface';

// Names of the blobs of snapshots: those of this node by height, those on their way by the snapshot's id.

const decimal = (value: number, digits: number) => String(value).padStart(digits, '0');

export const manifestName = (height: number) => `${decimal(height, 12)}.manifest`;
export const chunkName = (height: number, index: number) => `${decimal(height, 12)}.${decimal(index, 6)}.chunk`;
export const incomingName = (id: Hash, index: number) => `incoming-${id}.${decimal(index, 6)}.chunk`;

/** Height of the snapshot a manifest is of; null for other names. */
export function manifestHeight(name: string): number | null {
  const [, digits] = /^(\d{12})\.manifest$/.exec(name) ?? [];
  return digits === undefined ? null : Number(digits);
}

/** Height of the snapshot that a blob is part of; null for other names. */
export function partHeight(name: string): number | null {
  const [, digits] = /^(\d{12})\.(?:manifest|\d{6}\.chunk)$/.exec(name) ?? [];
  return digits === undefined ? null : Number(digits);
}

export const isIncoming = (name: string) => name.startsWith('incoming-');
