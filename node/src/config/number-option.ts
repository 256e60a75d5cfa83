import { usageError } from '../errors.ts';

/**
 * A number as typed, checked.
 * @throws ERR_NODE_USAGE naming the flag and the range
 */
export function numberOption(
  value: unknown,
  flag: string,
  range: { min: number; max: number; integer: boolean },
): number {
  const text = String(value);
  const number = /^\d{1,15}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= range.min && number <= range.max) || (range.integer && !Number.isInteger(number))) {
    throw usageError(
      `${flag}: "${text}" is not a ${range.integer ? 'whole ' : ''}number from ${range.min} to ${range.max}.`,
    );
  }
  return number;
}
