import type { RoutedModel, RoutedSpec } from './block-map.ts';
import { addDemand } from './demand-levels.ts';
import { Holdings } from './holdings.ts';
import type { NodeView } from './node-record.ts';

/** Two experts of one layer that answers use together. */
export interface ExpertPair {
  readonly layer: number;
  readonly a: number;
  readonly b: number;
  /** Of the answers that use the rarer one much, the share that use both, 0 to 1. */
  readonly share: number;
}

/** What the network is asked for, as far as this node can tell. */
export interface ExpertDemand {
  /** [layer * experts + expert] the chance that a token chooses the expert. */
  readonly touch: Float64Array;
  readonly pairs: readonly ExpertPair[];
}

/** What this node counted itself. Rows a minute, [layer * experts + expert]. */
export interface OwnDemand {
  /** Rows whose gate this node saw, wherever the expert was computed. */
  readonly seen: Float64Array;
  /** Rows this node computed. */
  readonly computed: Float64Array;
  readonly pairs: readonly ExpertPair[];
}

/** A node counts for at most so many times the median of the nodes that tell anything. */
const CAP = 4;
/** An expert is taken to be at least this share as hot as the average one: what is cold today may be asked for tomorrow. */
const FLOOR = 0.25;
/** So many rows a minute of an even gate are mixed in, so that a few answers do not move anything. */
const PRIOR_ROWS = 60;

/** Every expert as likely as every other. */
export function evenDemand(spec: RoutedSpec): ExpertDemand {
  const touch = new Float64Array(spec.layerCount * spec.expertCount).fill(spec.expertsPerToken / spec.expertCount);
  return { touch, pairs: [] };
}

/**
 * Demand from what nodes tell of the experts they host and from what this node counted. What peers say is bounded in
 * effect: a node counts only for what it hosts and for at most four times the median node, and no expert is taken to be
 * hotter than one that every token chooses, or colder than a quarter of the average.
 */
export function networkDemand(views: readonly NodeView[], model: RoutedModel, own: OwnDemand): ExpertDemand {
  const { layerCount, expertCount } = model.spec;
  const told = views.flatMap((view) => (view.self || !view.reachable ? [] : (toldBy(view, model) ?? [])));
  const mine = sum(own.computed);
  const totals = [...told.map(({ total }) => total), mine].filter((total) => total > 0).sort((a, b) => a - b);
  const limit = CAP * (totals[(totals.length - 1) >> 1] ?? 0);
  const rows = own.computed.slice();
  for (const { rowsPerMinute, total } of told) {
    const factor = Math.min(1, limit / total);
    for (let slot = 0; slot < rows.length; slot++) rows[slot] = (rows[slot] ?? 0) + factor * (rowsPerMinute[slot] ?? 0);
  }
  const touch = new Float64Array(layerCount * expertCount);
  for (let layer = 0; layer < layerCount; layer++) {
    const first = layer * expertCount;
    const at = (expert: number) => Math.max(rows[first + expert] ?? 0, own.seen[first + expert] ?? 0);
    let total = 0;
    for (let expert = 0; expert < expertCount; expert++) total += at(expert);
    for (let expert = 0; expert < expertCount; expert++) {
      touch[first + expert] = touchOf(at(expert), total, model.spec);
    }
  }
  return { touch, pairs: own.pairs };
}

function touchOf(rows: number, total: number, { expertCount, expertsPerToken }: RoutedSpec): number {
  const average = expertsPerToken / expertCount;
  const share = (rows + PRIOR_ROWS / expertCount) / (total + PRIOR_ROWS);
  return Math.min(1, Math.max(FLOOR * average, expertsPerToken * share));
}

function toldBy(view: NodeView, model: RoutedModel): { rowsPerMinute: Float64Array; total: number } | null {
  const levels = view.models.find(({ root }) => root === model.root)?.demand;
  if (levels === undefined) return null;
  const rowsPerMinute = new Float64Array(model.spec.layerCount * model.spec.expertCount);
  addDemand(levels, Holdings.of(view, model), model, rowsPerMinute);
  const total = sum(rowsPerMinute);
  return total > 0 ? { rowsPerMinute, total } : null;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
