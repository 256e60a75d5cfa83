import type { PeerId } from '@blyan/interface';
import { MAX_EXPERT_HOLDERS } from '@blyan/params';
import { nearestFirst, type PlanNode, type PlanScope } from './plan-scope.ts';

/**
 * For every expert of every layer its holders, in the order in which the node computing the layer tries them.
 *
 * @param callers [layer] -> the node computing it
 * @returns [layer][expert] -> at most 8 peers, and the labels of experts that no node of the scope holds
 */
export function expertHolders(
  scope: PlanScope,
  callers: readonly PlanNode[],
): { experts: PeerId[][][]; missing: string[] } {
  const missing: string[] = [];
  const experts = callers.map((caller, layer) => {
    const order = nearestFirst(caller, scope.nodes);
    const holders = holdersOfLayer(order, layer, scope.input.manifest.spec.expertCount);
    holders.forEach(({ length }, expert) => {
      if (length === 0) missing.push(`expert:${layer}.${expert}`);
    });
    return holders;
  });
  return { experts, missing };
}

/** The holders of each expert of one layer, taken from `order` as it stands. */
function holdersOfLayer(order: readonly PlanNode[], layer: number, expertCount: number): PeerId[][] {
  const words = (expertCount + 31) >> 5;
  // Bits of experts that may still take a holder; ranks in `order` of the holders found, and how many there are.
  const open = new Int32Array(words).fill(-1);
  const ranks = new Int32Array(words * 32 * MAX_EXPERT_HOLDERS);
  const found = new Int32Array(words * 32);
  for (let rank = 0; rank < order.length; rank++) {
    const mask = order[rank]?.holdings.mask(layer);
    for (let word = 0; word < words; word++) {
      for (let bits = (mask?.[word] ?? 0) & (open[word] ?? 0); bits !== 0; bits &= bits - 1) {
        const bit = 31 - Math.clz32(bits & -bits);
        const expert = word * 32 + bit;
        const count = found[expert] ?? 0;
        ranks[expert * MAX_EXPERT_HOLDERS + count] = rank;
        found[expert] = count + 1;
        if (count + 1 === MAX_EXPERT_HOLDERS) open[word] = (open[word] ?? 0) & ~(1 << bit);
      }
    }
  }
  const holders: PeerId[][] = [];
  for (let expert = 0; expert < expertCount; expert++) {
    const first = expert * MAX_EXPERT_HOLDERS;
    const list = new Array<PeerId>(found[expert] ?? 0);
    for (let i = 0; i < list.length; i++) list[i] = order[ranks[first + i] ?? 0]?.peerId ?? '';
    holders.push(list);
  }
  return holders;
}
