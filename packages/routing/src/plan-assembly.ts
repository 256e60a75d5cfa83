import type { PeerId, PlanType } from '@blyan/interface';
import { MAX_FALLBACKS } from '@blyan/params';
import { type Plan, type PlanStage, preferredHolder } from './plan.ts';
import { nearestFirst, type PlanScope, reluctance } from './plan-scope.ts';

/** The parts a shape decides; the rest of a plan follows from them. */
export interface PlanShape {
  readonly embedding: PeerId;
  readonly head: PeerId;
  readonly stages: readonly PlanStage[];
  readonly experts: readonly (readonly (readonly PeerId[])[])[];
}

/** A plan with its fallback order, and with whether a node that takes part is of another profile. */
export function assemblePlan(type: PlanType, scope: PlanScope, shape: PlanShape): Plan {
  const { manifest, profile } = scope.input;
  const foreign = new Set([scope.self, ...scope.nodes].filter((node) => node.foreign).map((node) => node.peerId));
  return {
    type,
    modelRoot: manifest.root,
    profile,
    mixedProfile: foreign.size > 0 && participants(shape).some((peerId) => foreign.has(peerId)),
    ...shape,
    fallbackOrder: fallbackOrder(scope, shape),
  };
}

/** The nodes a plan uses unless one fails: stages, embedding, head and the preferred holder of every expert. */
export function participants(shape: PlanShape): PeerId[] {
  const ids = new Set<PeerId>([shape.embedding, shape.head]);
  for (const stage of shape.stages) {
    ids.add(stage.peerId);
    for (let layer = stage.firstLayer; layer <= stage.lastLayer; layer++) {
      for (const holders of shape.experts[layer] ?? []) {
        const holder = preferredHolder(holders, stage.peerId);
        if (holder !== undefined) ids.add(holder);
      }
    }
  }
  return [...ids];
}

/** Nodes with all trunks of at least one stage that is not theirs: who can replace most comes first, then the nearest. */
function fallbackOrder(scope: PlanScope, { stages }: PlanShape): PeerId[] {
  const candidates = nearestFirst(scope.self, scope.nodes).map((node, rank) => ({
    peerId: node.peerId,
    rank,
    last: reluctance(node),
    replaces: stages.filter(
      (stage) => stage.peerId !== node.peerId && node.holdings.trunks(stage.firstLayer, stage.lastLayer),
    ).length,
  }));
  return candidates
    .filter(({ replaces }) => replaces > 0)
    .sort((a, b) => a.last - b.last || b.replaces - a.replaces || a.rank - b.rank)
    .slice(0, MAX_FALLBACKS)
    .map(({ peerId }) => peerId);
}
