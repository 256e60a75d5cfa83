import { hasBit } from './bitmap.ts';
import { blockMap } from './block-map.ts';
import { assemblePlan } from './plan-assembly.ts';
import { notCovered, type PlanOutcome } from './plan-outcome.ts';
import { missingIn, type PlanScope } from './plan-scope.ts';

/** Everything on this node; what it lacks is in `fetch`, and must be somewhere (bytes have no arithmetic profile). */
export function planLocal(scope: PlanScope): PlanOutcome {
  const { manifest } = scope.input;
  const missing = missingIn(scope);
  if (missing.length > 0) return notCovered(missing);
  const self = scope.self.peerId;
  const { layerCount, expertCount } = manifest.spec;
  const plan = assemblePlan('local', scope, {
    embedding: self,
    head: self,
    stages: [{ peerId: self, firstLayer: 0, lastLayer: layerCount - 1 }],
    experts: new Array(layerCount).fill(new Array(expertCount).fill([self])),
  });
  const { blockCount } = blockMap(manifest);
  const fetch = Array.from({ length: blockCount }, (_, index) => index).filter(
    (index) => !hasBit(scope.self.holdings.bitmap, index),
  );
  return { plan, fetch };
}
