import type { Root } from '@blyan/interface';
import type { BlockHeader, BlockManifest } from '@blyan/tensorblock';

const MAX_PROFILE_CHARS = 256;

/** What a derived file was made from and for which arithmetic profile. */
export interface DerivedIdentity {
  readonly source: Root;
  readonly profile: string;
}

/** The header to write a derived file with: its identity is inside, under its hash. */
export function derivedHeader(identity: DerivedIdentity, meta: BlockHeader['meta'] = {}): BlockHeader {
  return { kind: 'eeb', meta: { ...meta, source: identity.source, profile: identity.profile } };
}

/** Null when the block is not a derived file of `source`. */
export function derivedIdentity(manifest: BlockManifest, source: Root): DerivedIdentity | null {
  const { kind, meta } = manifest.header;
  const profile = meta?.profile;
  const fine = kind === 'eeb' && meta?.source === source && typeof profile === 'string';
  return fine && profile.length <= MAX_PROFILE_CHARS ? { source, profile } : null;
}

export function derivedKey({ source, profile }: DerivedIdentity): string {
  return `${source}/${profile}`;
}
