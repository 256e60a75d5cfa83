/** @throws TypeError naming the flag */
export function choice<T extends string>(flag: string, value: string, of: readonly T[]): T {
  const found = of.find((one) => one === value);
  if (found === undefined) throw new TypeError(`${flag}: "${value}" is none of ${of.join(', ')}.`);
  return found;
}

/** @throws TypeError naming the flag */
export function count(flag: string, value: string, min: number, max: number): number {
  return ranged(flag, value, min, max, Number.isInteger);
}

/** @throws TypeError naming the flag */
export function amount(flag: string, value: string, min: number, max: number): number {
  return ranged(flag, value, min, max, Number.isFinite);
}

function ranged(flag: string, value: string, min: number, max: number, fits: (value: number) => boolean): number {
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (!fits(number) || number < min || number > max)
    throw new TypeError(`${flag}: "${value}" is not a number from ${min} to ${max}.`);
  return number;
}
