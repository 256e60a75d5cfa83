import type { ExpertGroup } from '../wire.ts';

/** The rows the groups name, each once, and the groups with indices into them. */
export function packedRows(
  groups: readonly ExpertGroup[],
  rows: Float32Array,
  hiddenSize: number,
): { groups: ExpertGroup[]; rows: Float32Array<ArrayBuffer> } {
  const order = [...new Set(groups.flatMap((group) => group.rows))].sort((a, b) => a - b);
  const place = new Map(order.map((row, index) => [row, index]));
  const compact = new Float32Array(order.length * hiddenSize);
  order.forEach((row, index) => {
    compact.set(rows.subarray(row * hiddenSize, (row + 1) * hiddenSize), index * hiddenSize);
  });
  return {
    groups: groups.map(({ expert, rows: members }) => ({
      expert,
      rows: members.map((row) => place.get(row) as number),
    })),
    rows: compact,
  };
}
