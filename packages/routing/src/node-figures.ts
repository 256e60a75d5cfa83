import type { NodeView } from './node-record.ts';

/** Milliseconds a node needs, its load and what was observed of it included; figures it has not measured yet are assumed. */
export interface NodeFigures {
  /** One decode row through one layer's trunk. */
  readonly trunkMs: number;
  /** One expert call with one row. */
  readonly expertMs: number;
  /** One decode row through a layer, all experts on the node. */
  readonly stepMs: number;
  readonly headMs: number;
  /** One row of a prefill chunk through a layer's trunk, and through its chosen experts. */
  readonly prefillTrunkMs: number;
  readonly prefillExpertsMs: number;
}

/** Assumed before a node has measured itself: a two-core machine with a small model, on a 1 Gbit/s link. */
const ASSUMED = { trunkUs: 200, expertUs: 100, headUs: 500, bandwidthMBps: 125, messageUs: 300 };
/** A prefill row is this much cheaper than a decode row, where that was not measured. */
const ASSUMED_PREFILL_GAIN = 5;
/** A step waits on average for half the step of each other sequence in progress. */
const WAIT_PER_ACTIVE = 0.5;

/** By view, for the number of experts asked for last: a plan asks for the figures of a node thousands of times. */
const remembered = new WeakMap<NodeView, { readonly expertsPerToken: number; readonly figures: NodeFigures }>();

/** The view must not change. @param expertsPerToken experts a layer's gate chooses */
export function nodeFigures(view: NodeView, expertsPerToken: number): NodeFigures {
  const known = remembered.get(view);
  if (known?.expertsPerToken === expertsPerToken) return known.figures;
  const figures = figuresOf(view, expertsPerToken);
  remembered.set(view, { expertsPerToken, figures });
  return figures;
}

function figuresOf({ measured, active, slowness = 1 }: NodeView, expertsPerToken: number): NodeFigures {
  const load = slowness * (1 + WAIT_PER_ACTIVE * active);
  const ms = (us: number) => (us * load) / 1000;
  const trunkUs = measured.trunkUs || ASSUMED.trunkUs;
  const expertUs = measured.expertUs || ASSUMED.expertUs;
  const sumUs = trunkUs + expertsPerToken * expertUs;
  const prefillUs = measured.prefillRowUs || sumUs / ASSUMED_PREFILL_GAIN;
  return {
    trunkMs: ms(trunkUs),
    expertMs: ms(expertUs),
    stepMs: ms(measured.stepUs || sumUs),
    headMs: ms(measured.headUs || ASSUMED.headUs),
    prefillTrunkMs: ms((prefillUs * trunkUs) / sumUs),
    prefillExpertsMs: ms(prefillUs * (1 - trunkUs / sumUs)),
  };
}

/** Software that one request and its answer cost a node. */
export const messageMs = ({ measured }: NodeView): number => (measured.messageUs || ASSUMED.messageUs) / 1000;

export const bytesPerMs = ({ measured }: NodeView): number => (measured.bandwidthMBps || ASSUMED.bandwidthMBps) * 1000;
