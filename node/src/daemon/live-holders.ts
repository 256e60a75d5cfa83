import type { HolderPort } from '@blyan/inference';
import type { PeerId, Root } from '@blyan/interface';
import type { ModelManifest } from '@blyan/model';
import type { P2pHost } from '@blyan/p2p';
import { Holdings, type NodeView, type Plan } from '@blyan/routing';
import { firstOf, type NewsSource } from './wait-for-peers.ts';

export interface LiveHoldersDeps {
  readonly host: P2pHost;
  readonly news: NewsSource;
  readonly views: () => readonly NodeView[];
  /** Of a model served here. */
  readonly manifest: (root: Root) => ModelManifest | undefined;
}

/** Who holds experts now, by the live records. Listens for news until it is disposed of. */
export class LiveHolders implements HolderPort, Disposable {
  readonly #deps: LiveHoldersDeps;
  /** Many calls may wait: one listener serves them all. */
  readonly #waiting = new Set<() => void>();
  readonly #heard = (): void => {
    for (const done of [...this.#waiting]) done();
  };

  constructor(deps: LiveHoldersDeps) {
    this.#deps = deps;
    deps.news.on('change', this.#heard);
  }

  rttMs(peerId: PeerId): number | null {
    return this.#deps.host.rttMs(peerId);
  }

  ping(peerId: PeerId, options: { readonly timeoutMs: number }): Promise<number> {
    return this.#deps.host.ping(peerId, options);
  }

  holders(plan: Plan, layer: number, expert: number): readonly PeerId[] {
    const manifest = this.#deps.manifest(plan.modelRoot);
    if (!manifest) return [];
    return this.#deps
      .views()
      .filter((view) => !view.self && view.reachable && (plan.mixedProfile || view.profile === plan.profile))
      .filter((view) => Holdings.of(view, manifest).expert(layer, expert))
      .sort((a, b) => (a.rttMs ?? Number.POSITIVE_INFINITY) - (b.rttMs ?? Number.POSITIVE_INFINITY))
      .map(({ peerId }) => peerId);
  }

  change(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return firstOf(timeoutMs, signal, (done) => {
      this.#waiting.add(done);
      return () => this.#waiting.delete(done);
    });
  }

  [Symbol.dispose](): void {
    this.#deps.news.off('change', this.#heard);
    this.#heard();
  }
}
