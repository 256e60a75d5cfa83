import { hasBit } from './bitmap.ts';
import type { PlacementTerms } from './placement-terms.ts';

/** What a unit that nobody holds counts, in the cost of one replica; a group that is on no node. */
const UNIT_GAP = 8;
const GROUP_GAP = 2;

const unitCost = (replicas: number): number => (replicas > 0 ? 1 / replicas : UNIT_GAP);
const groupCost = (replicas: number): number => (replicas > 0 ? 1 / replicas : GROUP_GAP);

/** How many nodes hold each unit and group, while placements are tried out. */
export class PlacementState {
  readonly terms: PlacementTerms;
  /** [unit] nodes that hold it. */
  readonly unitReplicas: Int32Array;
  /** The same as the records have it: what a simulated move adds is not there yet. */
  readonly recorded: Int32Array;
  readonly groupReplicas: Int32Array;

  constructor(terms: PlacementTerms, bitmaps: readonly Uint8Array[]) {
    this.terms = terms;
    this.unitReplicas = new Int32Array(terms.units.length);
    this.groupReplicas = new Int32Array(terms.groups.length);
    for (const bitmap of bitmaps) {
      const node = new PlacementNode(this, bitmap);
      node.held.forEach((held, unit) => {
        this.unitReplicas[unit] = (this.unitReplicas[unit] ?? 0) + held;
      });
      terms.groups.forEach((_, group) => {
        if (node.holdsGroup(group)) this.groupReplicas[group] = (this.groupReplicas[group] ?? 0) + 1;
      });
    }
    this.recorded = this.unitReplicas.slice();
  }

  cost(): number {
    const { units, groups } = this.terms;
    const ofUnits = units.reduce((sum, { weight }, i) => sum + weight * unitCost(this.unitReplicas[i] ?? 0), 0);
    return groups.reduce((sum, { weight }, i) => sum + weight * groupCost(this.groupReplicas[i] ?? 0), ofUnits);
  }
}

/** One node of the state, counted in it: what it holds, and what a change would be worth to the network. */
export class PlacementNode {
  /** [unit] 1 when the node holds all of it. */
  readonly held: Uint8Array;
  /** What the units it holds take. */
  bytes = 0;
  readonly #state: PlacementState;
  /** [group] units the node lacks of it. */
  readonly #lacks: Int32Array;

  constructor(state: PlacementState, bitmap: Uint8Array) {
    this.#state = state;
    const { units, groups, groupsOf } = state.terms;
    this.held = new Uint8Array(units.length);
    this.#lacks = Int32Array.from(groups, (group) => group.units.length);
    for (let unit = 0; unit < units.length; unit++) {
      const { blocks = [], bytes = 0 } = units[unit] ?? {};
      if (!hasBit(bitmap, blocks[0] ?? -1) || !blocks.every((block) => hasBit(bitmap, block))) continue;
      this.held[unit] = 1;
      this.bytes += bytes;
      for (const group of groupsOf[unit] ?? []) this.#lacks[group] = (this.#lacks[group] ?? 0) - 1;
    }
  }

  holdsGroup(group: number): boolean {
    return this.#lacks[group] === 0;
  }

  bytesOf(units: readonly number[]): number {
    let sum = 0;
    for (const unit of units) sum += this.#state.terms.units[unit]?.bytes ?? 0;
    return sum;
  }

  /** Takes units it lacks. @returns by how much the cost falls */
  take(units: readonly number[]): number {
    return -this.#change(units, 1);
  }

  /** Gives up units it holds. @returns by how much the cost rises */
  give(units: readonly number[]): number {
    return this.#change(units, -1);
  }

  /** By how much the cost changes when the node takes (1) or gives up (-1) a unit; nothing changes. */
  differenceOf(unit: number, by: 1 | -1): number {
    const { unitReplicas, groupReplicas, terms } = this.#state;
    const count = unitReplicas[unit] ?? 0;
    let difference = (terms.units[unit]?.weight ?? 0) * (unitCost(count + by) - unitCost(count));
    for (const group of terms.groupsOf[unit] ?? []) {
      if (this.#lacks[group] !== (by === 1 ? 1 : 0)) continue;
      const nodes = groupReplicas[group] ?? 0;
      difference += (terms.groups[group]?.weight ?? 0) * (groupCost(nodes + by) - groupCost(nodes));
    }
    return difference;
  }

  /** What taking these would be worth; nothing changes. */
  gainOf(units: readonly number[]): number {
    if (units.length === 1) return -this.differenceOf(units[0] ?? -1, 1);
    const gain = this.take(units);
    this.give(units);
    return gain;
  }

  /** What giving these up would cost; nothing changes. */
  lossOf(units: readonly number[]): number {
    if (units.length === 1) return this.differenceOf(units[0] ?? -1, -1);
    const loss = this.give(units);
    this.take(units);
    return loss;
  }

  /** @returns the change of the cost */
  #change(changed: readonly number[], by: 1 | -1): number {
    const { unitReplicas, groupReplicas, terms } = this.#state;
    let difference = 0;
    for (const unit of changed) {
      const { weight = 0, bytes = 0 } = terms.units[unit] ?? {};
      const count = unitReplicas[unit] ?? 0;
      difference += weight * (unitCost(count + by) - unitCost(count));
      unitReplicas[unit] = count + by;
      this.held[unit] = by === 1 ? 1 : 0;
      this.bytes += by * bytes;
      for (const group of terms.groupsOf[unit] ?? []) {
        const before = this.#lacks[group] ?? 0;
        this.#lacks[group] = before - by;
        // The group becomes whole with its last unit, and ceases to be with the first one that goes.
        if (before !== (by === 1 ? 1 : 0)) continue;
        const nodes = groupReplicas[group] ?? 0;
        difference += (terms.groups[group]?.weight ?? 0) * (groupCost(nodes + by) - groupCost(nodes));
        groupReplicas[group] = nodes + by;
      }
    }
    return difference;
  }
}
