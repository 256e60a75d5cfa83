import type { NetworkState, NodeFaults, PeerId } from '@blyan/interface';
import type { ModelManifest } from '@blyan/model';
import { coverage, describeMissing, formatHostedBlocks, type NodeView } from '@blyan/routing';

/** What a node knows of nodes and models. */
export interface NetworkPort {
  views(): readonly NodeView[];
  /** Of versions of one name, the one that new requests get first. */
  models(): readonly { readonly manifest: ModelManifest; readonly learnedAt: number }[];
  /** What this node holds against a peer. */
  faults(peerId: PeerId): NodeFaults;
  /** Every peer that something is held against, the latest last. */
  faultyPeers(): readonly PeerId[];
}

const NOTHING_HOSTED = { root: null, layers: [], experts: [], embedding: false, head: false, blocks: 0 };
/** Most peers without a record that the state names. */
const NAMED_OUTCASTS = 64;

/** The network as this node sees it. */
export function networkState(
  port: NetworkPort,
  self: { readonly networkId: string; readonly peerId: PeerId; readonly version: string },
): NetworkState {
  const views = port.views();
  const models = port.models().map(({ manifest }) => manifest);
  const [first] = models;
  return {
    ...self,
    models: models.map((manifest) => {
      const { covered, missing } = coverage(manifest, views);
      return { name: manifest.name, root: manifest.root, covered, blocks: manifest.blocks.length, missing };
    }),
    nodes: views.map((view) => {
      const model = models.find(({ root }) => view.models.some((hosted) => hosted.root === root)) ?? first;
      const bitmap = view.models.find(({ root }) => root === model?.root)?.blocks;
      const { peerId, self, reachable, version, host, tier, profile, rttMs, addresses } = view;
      const { active, queued, freeKvBytes, gateway, slowness = 1 } = view;
      const { stepUs, expertUs, prefillRowUs, bandwidthMBps } = view.measured;
      return {
        ...{
          peerId,
          publicKey: Buffer.from(view.publicKey).toString('hex'),
          self,
          reachable,
          version,
          host,
          tier,
          profile,
          rttMs,
          addresses,
        },
        ...{ active, queued, freeKvBytes, gateway, slowness },
        speed: { stepUs, expertUs, prefillRowUs, bandwidthMBps },
        hosted: model && bitmap ? { root: model.root, ...formatHostedBlocks(bitmap, model) } : NOTHING_HOSTED,
        expiresInMs: Math.max(0, view.issuedAtMs + view.ttlMs - Date.now()),
        ...(view.registered !== undefined && { registered: view.registered }),
        faults: port.faults(peerId),
      };
    }),
    outcasts: outcasts(port, views),
  };
}

/** Why the models cannot be served; null when they can. Of several versions of a name, the first counts. */
export function notReady(port: NetworkPort): string | null {
  const models = port.models();
  if (models.length === 0) return 'No model is known yet.';
  const views = port.views();
  const named = new Set<string>();
  for (const { manifest } of models) {
    if (named.has(manifest.name)) continue;
    named.add(manifest.name);
    const { missing } = coverage(manifest, views);
    if (missing.length > 0)
      return `The model ${manifest.name} is not covered: no reachable node hosts ${describeMissing(missing)}.`;
  }
  return null;
}

function outcasts(port: NetworkPort, views: readonly NodeView[]): NetworkState['outcasts'] {
  const known = new Set(views.map(({ peerId }) => peerId));
  const others = port.faultyPeers().filter((peerId) => !known.has(peerId));
  return others.slice(-NAMED_OUTCASTS).map((peerId) => ({ peerId, faults: port.faults(peerId) }));
}
