import { EventEmitter } from 'node:events';
import { type ModelView, modelView } from '@blyan/inference';
import type { Root } from '@blyan/interface';
import type { ModelManifest } from '@blyan/model';
import type { DemandCounter, ExpertDemand } from '@blyan/routing';
import type { HostedBlocks } from './hosted-blocks.ts';

/** One version of the model that this node serves. */
export interface ServedVersion {
  /** By the name that requests use. */
  readonly manifest: ModelManifest;
  readonly view: ModelView;
  /** Seconds since 1970. */
  readonly learnedAt: number;
  readonly hosted: HostedBlocks;
  readonly counter: DemandCounter;
  /** What the network is asked for of it. */
  readonly demand: () => ExpertDemand;
}

interface VersionEvents {
  /** The set of hosted and verified blocks changed, or the versions did. */
  change: [];
  /** A round of fetching is over and something was gained, or another version is the current one. */
  filled: [];
}

/** The versions of a model side by side: the one that new requests get, the next one while it is fetched, the last one until its answers have ended. */
export class ServedVersions extends EventEmitter<VersionEvents> {
  #versions: readonly ServedVersion[];
  readonly #onChange = (): void => void this.emit('change');
  readonly #onFilled = (): void => void this.emit('filled');

  constructor(first: ServedVersion) {
    super();
    this.#versions = [first];
    this.#listen(first);
  }

  /** What new requests by name get. */
  get current(): ServedVersion {
    return this.#versions[0] as ServedVersion;
  }

  /** The current one first. */
  all(): readonly ServedVersion[] {
    return this.#versions;
  }

  of(root: Root): ServedVersion | undefined {
    return this.#versions.find(({ manifest }) => manifest.root === root);
  }

  /** Adds a version that is not served by name yet. */
  add(version: ServedVersion): void {
    this.#versions = [...this.#versions, version];
    this.#listen(version);
    this.emit('change');
  }

  /** From now on new requests by name get this version. */
  promote(version: ServedVersion): void {
    this.#versions = [version, ...this.#versions.filter((other) => other !== version)];
    this.emit('change');
    this.emit('filled');
  }

  /** Forgets a version, whose blocks are no longer offered. */
  async drop(version: ServedVersion): Promise<void> {
    this.#versions = this.#versions.filter((other) => other !== version);
    version.hosted.off('change', this.#onChange).off('filled', this.#onFilled);
    this.emit('change');
    await version.hosted.stop();
  }

  /** Roots of what is hosted, the manifests among them. */
  roots(): readonly Root[] {
    return [...new Set(this.#versions.flatMap(({ hosted }) => hosted.roots()))];
  }

  /** Every root that one of the versions consists of. */
  blocks(): ReadonlySet<Root> {
    return new Set(
      this.#versions.flatMap(({ manifest }) => [manifest.root, ...manifest.blocks.map(({ root }) => root)]),
    );
  }

  /** See `HostedBlocks.labelOf`; of the first version that has the block. */
  labelOf(root: Root): string | null {
    for (const { hosted } of this.#versions) {
      const label = hosted.labelOf(root);
      if (label !== null) return label;
    }
    return null;
  }

  /** Gets one damaged or absent block back from whoever has it. @throws as `HostedBlocks.heal` */
  heal(root: Root, signal: AbortSignal): Promise<void> {
    const owner = this.#versions.find(({ hosted }) => hosted.labelOf(root) !== null) ?? this.current;
    return owner.hosted.heal(root, signal);
  }

  damaged(root: Root, error: Error): void {
    const owner = this.#versions.find(({ hosted }) => hosted.labelOf(root) !== null) ?? this.current;
    owner.hosted.damaged(root, error);
  }

  /** Tries again what is missing. */
  fill(signal: AbortSignal): void {
    for (const { hosted } of this.#versions) hosted.fill(signal);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#versions.map(({ hosted }) => hosted.stop()));
  }

  #listen({ hosted }: ServedVersion): void {
    hosted.on('change', this.#onChange).on('filled', this.#onFilled);
  }
}

/** A version with its engine's view of it. */
export function servedVersion(fields: Omit<ServedVersion, 'view' | 'learnedAt'>): ServedVersion {
  return { ...fields, view: modelView(fields.manifest), learnedAt: Math.floor(Date.now() / 1000) };
}
