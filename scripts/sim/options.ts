import { parseArgs } from 'node:util';
import { PLANTS } from '@blyan/testkit/sim';

export const HELP = `Simulates consensus: seeded clocks, links, crashes and liars.

  npm run sim -- [--seeds N] [--first SEED] [--plant NAME]   many seeds, on all cores
  npm run sim -- --seed SEED [--trace] [--plant NAME]        one seed, with everything that happens
  npm run sim -- --plants                                    every plant, until a seed finds it; exit status 1 if one is missed

Plants are bugs put in on purpose: ${Object.keys(PLANTS).join(', ')}.
The last line is JSON. Exit status 1: a violation, a stall, or two runs of a seed that differ.
`;

export interface SimCommand {
  readonly seeds: readonly number[];
  readonly plant: string | undefined;
  readonly trace: boolean;
  readonly plants: boolean;
}

/** @throws RangeError for numbers and names that cannot be; null asks for help */
export function parseCommand(argv: readonly string[]): SimCommand | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seeds: { type: 'string', default: '100' },
      first: { type: 'string', default: '1' },
      seed: { type: 'string' },
      plant: { type: 'string' },
      plants: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  if (values.plant !== undefined && PLANTS[values.plant] === undefined) {
    throw new RangeError(`There is no plant ${values.plant}; there are ${Object.keys(PLANTS).join(', ')}.`);
  }
  const first = integer('seed', values.seed ?? values.first, 0xffff_ffff);
  const count = values.seed === undefined ? integer('seeds', values.seeds, 1_000_000) : 1;
  const seeds = Array.from({ length: count }, (_, i) => first + i);
  return { seeds, plant: values.plant, trace: values.trace, plants: values.plants };
}

function integer(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(`--${name} is a whole number from 1 to ${most}.`);
  }
  return value;
}
