import { errorCode, type Logger, type Root } from '@blyan/interface';
import type { ServedVersion, ServedVersions } from './served-versions.ts';
import type { NewsSource } from './wait-for-peers.ts';

/** How long nothing may have used a version that is no longer served by name before it is forgotten. */
export const RETIRE_AFTER_MS = 3_000;
const LOOK_EVERY_MS = 500;

export interface VersionFollowerDeps {
  readonly versions: ServedVersions;
  /** Root of the version that the chain says is the latest; null where it says nothing. */
  readonly latest: () => Root | null;
  /** Gets a version's manifest and makes it ready to host; waits for a peer that has it. */
  readonly obtain: (root: Root, signal: AbortSignal) => Promise<ServedVersion>;
  /** Whether every block of the version is on some node. */
  readonly isCovered: (version: ServedVersion) => boolean;
  /** Whether an answer under way, here or for another node, needs the version, or did within the time. */
  readonly isUsed: (root: Root, quietMs: number) => boolean;
  /** Requests by name get this version from now on. */
  readonly onServed: (version: ServedVersion) => void;
  /** Gives back what a version took. */
  readonly release: (version: ServedVersion) => Promise<void>;
  /** Something was heard of nodes. */
  readonly news: NewsSource;
  readonly logger: Logger;
}

/**
 * Follows a model's name on the chain. A new version is fetched beside the one that is served; when the network has all of it,
 * new requests get it; when the answers on the old one have ended, that is forgotten. Until then nothing changes: a version
 * that nobody can provide is never served.
 */
export class VersionFollower {
  readonly #deps: VersionFollowerDeps;
  readonly #stopping = new AbortController();
  readonly #onNews = (): void => this.look();
  /** Versions that cannot be served here, whatever is heard. */
  readonly #refused = new Set<Root>();
  #preparing: { readonly root: Root; readonly cancel: AbortController; readonly done: Promise<void> } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #servedAtMs = performance.now();
  #releasing: Promise<void> | null = null;

  constructor(deps: VersionFollowerDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { news, versions } = this.#deps;
    news.on('change', this.#onNews);
    versions.on('change', this.#onNews);
    this.look();
  }

  async stop(): Promise<void> {
    const { news, versions } = this.#deps;
    this.#stopping.abort();
    news.off('change', this.#onNews);
    versions.off('change', this.#onNews);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#preparing?.cancel.abort();
    await Promise.all([this.#preparing?.done, this.#releasing]);
  }

  /** Does what is to be done by what is known now. Called when the chain's head moves, too. */
  look(): void {
    if (this.#stopping.signal.aborted) return;
    const { versions, latest, isCovered } = this.#deps;
    const wanted = latest() ?? versions.current.manifest.root;
    if (wanted !== versions.current.manifest.root) {
      const version = versions.of(wanted);
      if (version === undefined) this.#prepare(wanted);
      else if (isCovered(version)) this.#serve(version);
    }
    this.#releaseOld(wanted);
    const isSettled = versions.all().length === 1;
    if (!isSettled) this.#timer ??= setTimeout(() => this.#lookAgain(), LOOK_EVERY_MS);
  }

  #lookAgain(): void {
    this.#timer = null;
    this.look();
  }

  #prepare(root: Root): void {
    if (this.#preparing?.root === root || this.#refused.has(root)) return;
    this.#preparing?.cancel.abort();
    const { logger } = this.#deps;
    const cancel = new AbortController();
    const { signal } = cancel;
    logger.info('a new version of the model is on the chain; it is fetched', { root });
    const done = this.#obtain(root, signal)
      .catch((error) => {
        if (signal.aborted) return;
        this.#refused.add(root);
        const fields = { root, code: errorCode(error), reason: (error as Error).message };
        logger.error('the new version cannot be served here; the one before goes on', fields);
      })
      .finally(() => {
        if (this.#preparing?.root === root) this.#preparing = null;
        this.look();
      });
    this.#preparing = { root, cancel, done };
  }

  async #obtain(root: Root, signal: AbortSignal): Promise<void> {
    const { versions, obtain } = this.#deps;
    const version = await obtain(root, signal);
    signal.throwIfAborted();
    versions.add(version);
    await version.hosted.start(signal);
  }

  #serve(version: ServedVersion): void {
    const { versions, logger, onServed } = this.#deps;
    this.#servedAtMs = performance.now();
    onServed(version);
    versions.promote(version);
    const { name, root } = version.manifest;
    logger.info('new requests get another version of the model', { name, root });
  }

  #releaseOld(wanted: Root): void {
    const { versions, isUsed, release, logger } = this.#deps;
    if (this.#releasing !== null || performance.now() - this.#servedAtMs < RETIRE_AFTER_MS) return;
    const { current } = versions;
    const old = versions
      .all()
      .find(
        ({ manifest: { root } }) => root !== wanted && root !== current.manifest.root && !isUsed(root, RETIRE_AFTER_MS),
      );
    if (old === undefined) return;
    const { root } = old.manifest;
    this.#releasing = release(old)
      .then(() => logger.info('a version is no longer served', { root }))
      .catch((error) => logger.warn('a version was not given back cleanly', { root, code: errorCode(error) }))
      .finally(() => {
        this.#releasing = null;
      });
  }
}
