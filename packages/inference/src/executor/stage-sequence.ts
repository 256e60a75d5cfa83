import type { PeerId, RouteEntry } from '@blyan/interface';
import type { OpenRequest, SequenceUsage } from '../messages.ts';
import type { OpenStage } from './open-stage.ts';
import type { StageUsage } from './schemas.ts';

/** The sequence that the engine computes for a stage of the node `self`: which experts it runs itself, by the plan. */
export function sequenceOf(stage: OpenStage, self: PeerId): Omit<OpenRequest, 'prefix'> {
  const { id, capacity, model, plan, firstLayer, lastLayer } = stage;
  const { layerCount, expertCount } = model.spec;
  const localExperts = new Uint8Array(layerCount * expertCount).fill(1);
  for (let layer = firstLayer; layer <= lastLayer; layer++) {
    for (let expert = 0; expert < expertCount; expert++) {
      if (!plan.experts[layer]?.[expert]?.includes(self)) localExperts[layer * expertCount + expert] = 0;
    }
  }
  const holders = plan.experts.slice(firstLayer, lastLayer + 1);
  const route = localExperts.includes(0) ? JSON.stringify(holders) : '';
  return { sequence: id, modelRoot: plan.modelRoot, firstLayer, lastLayer, capacity, route, localExperts };
}

/** What a stage did: itself first, then the nodes whose experts it called. */
export function usageOf(stage: OpenStage, self: PeerId, usage: SequenceUsage | null): StageUsage {
  const { firstLayer, lastLayer, tally } = stage;
  const { expertCount } = stage.model.spec;
  const own: RouteEntry = {
    peerId: self,
    role: stage.plan.type === 'static_delegate' ? 'delegate' : 'stage',
    layers: `${firstLayer}-${lastLayer}`,
    calls: usage?.steps ?? 0,
    ms: usage?.ms ?? 0,
  };
  const rows = usage?.expertRows.subarray(firstLayer * expertCount, (lastLayer + 1) * expertCount) ?? [];
  return {
    route: [own, ...tally.entries()].map((entry) => ({
      ...entry,
      experts: entry.experts ? [...entry.experts] : undefined,
    })),
    replaced: tally.replaced(),
    expertRows: Array.from(rows),
  };
}
