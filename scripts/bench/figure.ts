/** What a figure is held against: a bound of the value itself, or of its ratio to the limit. */
export type Goal =
  | { readonly below: number }
  | { readonly atLeast: number }
  | { readonly ratioBelow: number }
  | { readonly ratioAtLeast: number };

/** One line of the results; the shape of the JSON output, names and units stay the same from release to release. */
export interface Figure {
  /** `benchmark.what`, lower case. */
  readonly name: string;
  /** Where there were several rounds the median, or the best one where the benchmark says so. */
  readonly value: number;
  readonly unit: string;
  /** Same unit: a physical limit or a peer, measured in the same run. */
  readonly limit?: number;
  /** What the limit is. */
  readonly against?: string;
  /** value / limit. */
  readonly ratio?: number;
  readonly goal?: string;
  readonly met?: boolean;
  /** The lowest and the highest round. */
  readonly range?: readonly [number, number];
  readonly note?: string;
}

export interface FigureOptions {
  readonly limit?: number;
  readonly against?: string;
  readonly goal?: Goal;
  readonly range?: readonly [number, number];
  readonly note?: string;
}

export function figure(name: string, value: number, unit: string, options: FigureOptions = {}): Figure {
  const { limit, goal, range, ...texts } = options;
  const ratio = limit === undefined ? undefined : value / limit;
  return {
    name,
    value: rounded(value),
    unit,
    ...(limit === undefined ? {} : { limit: rounded(limit), ratio: rounded(ratio as number) }),
    ...(goal === undefined ? {} : judged(goal, value, ratio, unit)),
    ...(range === undefined ? {} : { range: [rounded(range[0]), rounded(range[1])] }),
    ...texts,
  };
}

function judged(goal: Goal, value: number, ratio: number | undefined, unit: string): { goal: string; met: boolean } {
  if ('below' in goal) return { goal: `< ${goal.below} ${unit}`, met: value < goal.below };
  if ('atLeast' in goal) return { goal: `>= ${goal.atLeast} ${unit}`, met: value >= goal.atLeast };
  if ('ratioBelow' in goal) return { goal: `ratio < ${goal.ratioBelow}`, met: (ratio ?? Number.NaN) < goal.ratioBelow };
  return { goal: `ratio >= ${goal.ratioAtLeast}`, met: (ratio ?? Number.NaN) >= goal.ratioAtLeast };
}

/** Four significant digits: more would pretend a precision that no timing has. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
