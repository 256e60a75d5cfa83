import type { ExpertGroup } from './wire.ts';

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

/** Whether no value is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  let sum = 0;
  // Zero times a finite value is zero; of the others it is NaN, which stays.
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) * 0;
  return sum === 0;
}
