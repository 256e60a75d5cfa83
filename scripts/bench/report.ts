import type { Figure } from './figure.ts';

const NUMBER_WIDTH = 11;

/** One figure as a line, or two when it has something to be compared with. */
export function figureLines(figure: Figure): string[] {
  const { name, value, unit, limit, against, ratio, goal, met, range, note } = figure;
  const spread = range === undefined ? '' : ` (${text(range[0])} to ${text(range[1])})`;
  const verdict = goal === undefined ? '' : `   ${met ? 'met   ' : 'MISSED'} ${goal}`;
  const lines = [`${name.padEnd(38)} ${text(value).padStart(NUMBER_WIDTH)} ${unit}${spread}${verdict}`];
  const indent = ' '.repeat(38);
  if (limit !== undefined)
    lines.push(
      `${indent} ${text(limit).padStart(NUMBER_WIDTH)} ${unit} ${against ?? 'limit'}: ratio ${text(ratio as number)}`,
    );
  if (note !== undefined) lines.push(`${indent}   ${note}`);
  return lines;
}

/** Every figure that has a goal, met or not, and what failed. */
export function summaryLines(figures: readonly Figure[], failed: readonly string[]): string[] {
  const judged = figures.filter(({ met }) => met !== undefined);
  const lines = [`${judged.filter(({ met }) => met).length} of ${judged.length} goals met.`];
  for (const { name, value, unit, ratio, goal, met } of judged) {
    const seen = `${text(value)} ${unit}${ratio === undefined ? '' : `, ratio ${text(ratio)}`}`;
    lines.push(`${met ? 'met    ' : 'MISSED '} ${name.padEnd(38)} ${seen.padEnd(34)} goal ${goal}`);
  }
  for (const name of failed) lines.push(`failed: ${name} ended with an error, see above`);
  return lines;
}

function text(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const absolute = Math.abs(value);
  return absolute >= 100 ? value.toFixed(0) : absolute >= 10 ? value.toFixed(1) : value.toFixed(absolute >= 1 ? 2 : 3);
}
