/** A duration in milliseconds, by what it is spent on. */
export interface Cost {
  /** In a node's engine. */
  readonly computeMs: number;
  /** Round trips and bytes on links. */
  readonly networkMs: number;
  /** Handling messages at their two ends. */
  readonly softwareMs: number;
}

export const NO_COST: Cost = Object.freeze({ computeMs: 0, networkMs: 0, softwareMs: 0 });

export const compute = (computeMs: number): Cost => ({ ...NO_COST, computeMs });

export function add(...costs: readonly Cost[]): Cost {
  let computeMs = 0;
  let networkMs = 0;
  let softwareMs = 0;
  for (const cost of costs) {
    computeMs += cost.computeMs;
    networkMs += cost.networkMs;
    softwareMs += cost.softwareMs;
  }
  return { computeMs, networkMs, softwareMs };
}

export function scale(cost: Cost, factor: number): Cost {
  return {
    computeMs: cost.computeMs * factor,
    networkMs: cost.networkMs * factor,
    softwareMs: cost.softwareMs * factor,
  };
}

export const totalMs = (cost: Cost): number => cost.computeMs + cost.networkMs + cost.softwareMs;
