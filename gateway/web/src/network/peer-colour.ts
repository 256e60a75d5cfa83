const COLOURS = 8;
const seen = new Map<string, number>();

/** Class of a peer's colour: given in the order peers are first seen, kept while the page is open. */
export function peerClass(peerId: string): string {
  let index = seen.get(peerId);
  if (index === undefined) {
    index = seen.size;
    seen.set(peerId, index);
  }
  return `peer-${index % COLOURS}`;
}
