import type { PeerId } from '@blyan/interface';
import type { RoutedModel } from './block-map.ts';
import { DropRights, hashOf } from './drop-rights.ts';
import type { ExpertDemand } from './expert-demand.ts';
import type { NodeView } from './node-record.ts';
import { PlacementNode, PlacementState } from './placement-state.ts';
import { placementTerms } from './placement-terms.ts';

/** What comes must be worth so many times what leaves. */
const CLEAR_GAIN = 1.5;
/** What comes must be worth so much of the mean weight per byte, or it is not worth fetching: a twelfth is what the
 * fourth replica of something average is worth. */
const WORTH_FETCHING = 1 / 12;
/** Moves looked at per step, and made per node: another node's are only guessed. */
const TRIES = 6;
const OWN_STEPS = 64;
const OTHERS_STEPS = 2;
/** So many other nodes must hold a part before it may be given up: one of them may lie. */
const KEEP_ELSEWHERE = 2;
/** Nodes whose moves are guessed, at most, the first ones of the round: enough to fill a gap that all would run to. */
const MAX_GUESSED = 16;

export interface MovesInput {
  readonly manifest: RoutedModel;
  /** Every record, this node's own among them; only reachable ones count. */
  readonly views: readonly NodeView[];
  readonly self: PeerId;
  readonly demand: ExpertDemand;
  /** What this node's blocks may take in the end. */
  readonly capacityBytes: number;
  /** What may be fetched now. */
  readonly maxMoveBytes: number;
  /** Counts up with the periods in which nodes move; the same everywhere at one time. It decides who moves first. */
  readonly round: number;
}

export interface Moves {
  /** Blocks to fetch, announce, and then do without the others; indices into the manifest, ascending. */
  readonly add: readonly number[];
  readonly drop: readonly number[];
  /** The network's cost afterwards over the cost now, as far as this node's own moves go: below 1. */
  readonly costRatio: number;
}

/**
 * What a node that places itself should host instead, in small steps. Greedy swaps that lower the network's cost (the
 * load per replica of everything, see `placementTerms`) by a clear margin, so that repeating them ends. The nodes that
 * also place themselves and move before this one in this round are simulated first, so that not all run to the same
 * gap. Nothing is given up that fewer than two other reachable nodes hold, and only by the one node that has the right
 * in this round: neither a lie nor a coincidence uncovers a part.
 */
export function planMoves(input: MovesInput): Moves {
  const { manifest, self, round } = input;
  const terms = placementTerms(manifest, input.demand);
  const views = input.views.filter(({ reachable, peerId }) => reachable || peerId === self);
  const bitmapOf = (view: NodeView) =>
    view.models.find(({ root }) => root === manifest.root)?.blocks ?? new Uint8Array(0);
  const state = new PlacementState(terms, views.map(bitmapOf));
  const rights = new DropRights(manifest, views, round);
  for (const view of movesBefore(views, self, round)) {
    const node = new PlacementNode(state, bitmapOf(view));
    // What others have room for is not known: they swap.
    const limits = { capacityBytes: node.bytes, maxMoveBytes: input.maxMoveBytes, steps: OTHERS_STEPS };
    swap(node, state, limits, (layer) => rights.has(view.peerId, layer));
  }
  const own = views.find(({ peerId }) => peerId === self);
  if (own === undefined) return { add: [], drop: [], costRatio: 1 };
  const node = new PlacementNode(state, bitmapOf(own));
  const before = state.cost();
  const { capacityBytes, maxMoveBytes } = input;
  const made = swap(node, state, { capacityBytes, maxMoveBytes, steps: OWN_STEPS }, (layer) => rights.has(self, layer));
  return { ...made, costRatio: state.cost() / before };
}

/** The nodes that place themselves and whose turn comes before this node's, in the order of their turns. */
function movesBefore(views: readonly NodeView[], self: PeerId, round: number): NodeView[] {
  const turn = (peerId: PeerId) => hashOf(`${round} ${peerId}`);
  const mine = turn(self);
  const before = views.filter(({ peerId, host }) => host === 'auto' && peerId !== self && turn(peerId) < mine);
  return before.sort((a, b) => turn(a.peerId) - turn(b.peerId)).slice(0, MAX_GUESSED);
}

interface Limits {
  readonly capacityBytes: number;
  readonly maxMoveBytes: number;
  readonly steps: number;
}

/** Moves one node greedily, in the state itself. */
function swap(
  node: PlacementNode,
  state: PlacementState,
  limits: Limits,
  mayDrop: (layer: number | null) => boolean,
): { add: number[]; drop: number[] } {
  const added = new Set<number>();
  const dropped = new Set<number>();
  let budget = limits.maxMoveBytes;
  for (let step = 0; step < limits.steps; step++) {
    const chosen = offers(node, state, budget, dropped).find((units) => {
      const leaving = makeRoom(node, state, units, limits.capacityBytes, added, mayDrop);
      for (const unit of leaving ?? []) dropped.add(unit);
      return leaving !== null;
    });
    if (chosen === undefined) break;
    for (const unit of chosen) added.add(unit);
    budget -= node.bytesOf(chosen);
  }
  const blocksOf = (units: Set<number>) =>
    [...units].flatMap((unit) => state.terms.units[unit]?.blocks ?? []).sort((a, b) => a - b);
  return { add: blocksOf(added), drop: blocksOf(dropped) };
}

/** Units, and what is lacking of layers and pairs, best per byte first: those it can afford and fetch, worth fetching. */
function offers(
  node: PlacementNode,
  { terms, unitReplicas }: PlacementState,
  budget: number,
  dropped: ReadonlySet<number>,
): number[][] {
  const found: { units: number[]; density: number }[] = [];
  const offer = (units: number[]) => {
    const bytes = node.bytesOf(units);
    if (bytes > budget || units.some((unit) => dropped.has(unit) || (unitReplicas[unit] ?? 0) === 0)) return;
    const density = node.gainOf(units) / bytes;
    if (density >= WORTH_FETCHING * terms.meanDensity) found.push({ units, density });
  };
  for (let unit = 0; unit < terms.units.length; unit++) {
    if (node.held[unit] === 0 && (unitReplicas[unit] ?? 0) > 0) offer([unit]);
  }
  terms.groups.forEach(({ units, layer }, group) => {
    if (layer !== null && !node.holdsGroup(group)) offer(units.filter((unit) => node.held[unit] === 0));
  });
  found.sort((a, b) => b.density - a.density);
  return found.slice(0, TRIES).map(({ units }) => units);
}

/**
 * Takes the units, and gives up what is worth least per byte until they fit, if that is a clear gain; otherwise nothing
 * changes. @returns what was given up
 */
function makeRoom(
  node: PlacementNode,
  state: PlacementState,
  units: readonly number[],
  capacityBytes: number,
  added: ReadonlySet<number>,
  mayDrop: (layer: number | null) => boolean,
): number[] | null {
  const gain = node.take(units);
  const leaving: number[] = [];
  let loss = 0;
  if (node.bytes > capacityBytes) {
    const staying = new Set([...units, ...added]);
    for (const candidate of cheapest(node, state, staying, mayDrop)) {
      if (node.bytes <= capacityBytes) break;
      const still = candidate.filter((unit) => node.held[unit] === 1);
      loss += node.give(still);
      leaving.push(...still);
    }
  }
  if (node.bytes <= capacityBytes && gain >= CLEAR_GAIN * loss) return leaving;
  node.take(leaving);
  node.give(units);
  return null;
}

/** What the node may give up, cheapest per byte first: units, and layers and pairs it holds whole. */
function cheapest(
  node: PlacementNode,
  { terms, unitReplicas, recorded }: PlacementState,
  staying: ReadonlySet<number>,
  mayDrop: (layer: number | null) => boolean,
): number[][] {
  const found: { units: readonly number[]; density: number }[] = [];
  const spare = (unit: number) =>
    node.held[unit] === 1 &&
    !staying.has(unit) &&
    Math.min(unitReplicas[unit] ?? 0, recorded[unit] ?? 0) > KEEP_ELSEWHERE &&
    mayDrop(terms.units[unit]?.layer ?? null);
  const offer = (units: readonly number[]) => {
    if (units.every(spare)) found.push({ units, density: node.lossOf(units) / node.bytesOf(units) });
  };
  for (let unit = 0; unit < terms.units.length; unit++) if (spare(unit)) offer([unit]);
  for (const { units, layer } of terms.groups) if (layer !== null) offer(units);
  found.sort((a, b) => a.density - b.density);
  return found.map(({ units }) => [...units]);
}
