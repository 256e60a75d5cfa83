import { type Cost, NO_COST } from './cost.ts';
import { bytesPerMs, messageMs } from './node-figures.ts';
import type { NodeView } from './node-record.ts';

/** Milliseconds assumed before the first measurement. */
const UNKNOWN_RTT_MS = 150;

/**
 * Round trip between two nodes. Between two others it is taken as the longer of the ways from here: exact when every
 * node has its own access link of equal delay, and an upper guess for two nodes in one far-away place.
 */
export function linkRttMs(a: NodeView, b: NodeView): number {
  if (a.peerId === b.peerId) return 0;
  return Math.max(wayTo(a), wayTo(b));
}

const wayTo = (view: NodeView): number => (view.self ? 0 : (view.rttMs ?? UNKNOWN_RTT_MS));

/** One message from `a` to `b` with this many bytes: half a round trip; nothing within one node. */
export function hop(a: NodeView, b: NodeView, bytes: number): Cost {
  return message(a, b, 0.5, bytes);
}

/** `totalMs` of a hop. */
export function hopMs(a: NodeView, b: NodeView, bytes: number): number {
  if (a.peerId === b.peerId) return 0;
  return linkRttMs(a, b) / 2 + transferMs(a, b, bytes) + (messageMs(a) + messageMs(b)) / 4;
}

/** One request from `a` to `b` and its answer, without what `b` computes. */
export function roundTrip(a: NodeView, b: NodeView, bytes: number): Cost {
  return message(a, b, 1, bytes);
}

function message(a: NodeView, b: NodeView, trips: number, bytes: number): Cost {
  if (a.peerId === b.peerId) return NO_COST;
  return {
    computeMs: 0,
    networkMs: linkRttMs(a, b) * trips + transferMs(a, b, bytes),
    softwareMs: ((messageMs(a) + messageMs(b)) / 2) * trips,
  };
}

const transferMs = (a: NodeView, b: NodeView, bytes: number): number => bytes / Math.min(bytesPerMs(a), bytesPerMs(b));
