/** The end of a peer id; its beginning is the same for all. */
export const shortPeer = (peerId: string): string => peerId.slice(-6);

export const formatMs = (ms: number): string =>
  ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(1)} s`;

/** Tokens per second; null when there was only one token to measure. */
export const tokensPerSecond = (msPerToken: number): string | null =>
  msPerToken > 0 ? (1000 / msPerToken).toFixed(msPerToken > 100 ? 1 : 0) : null;

/** `0-3, 7` for 0, 1, 2, 3 and 7. */
export function ranges(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    while (sorted[to + 1] === (sorted[to] ?? 0) + 1) to += 1;
    parts.push(from === to ? `${sorted[from]}` : `${sorted[from]}-${sorted[to]}`);
    from = to + 1;
  }
  return parts.join(', ');
}

/** `0.0-3 1.2` for the experts 0.0, 0.1, 0.2, 0.3 and 1.2. */
export function expertRanges(experts: readonly string[]): string {
  return [...byLayer(experts)].map(([layer, own]) => `${layer}.${ranges(own).replaceAll(', ', ',')}`).join(' ');
}

/** Expert numbers per layer, layers in order. */
export function byLayer(experts: readonly string[]): Map<number, number[]> {
  const layers = new Map<number, number[]>();
  for (const label of experts) {
    const [layer, expert] = label.split('.').map(Number);
    if (layer === undefined || expert === undefined || !Number.isInteger(layer) || !Number.isInteger(expert)) continue;
    layers.set(layer, [...(layers.get(layer) ?? []), expert]);
  }
  return new Map([...layers].sort(([a], [b]) => a - b));
}
