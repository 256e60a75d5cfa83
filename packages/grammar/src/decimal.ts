import { GRAMMAR_LIMITS } from './limits.ts';

/**
 * Which numbers a schema allows. Bounds are exact decimals, in units of the last digit behind the point; with bounds a
 * number is spelled without an exponent.
 */
export interface DecimalRange {
  /** Most digits behind the point: 0 for integers. */
  readonly fractionDigits: number;
  readonly low: bigint | null;
  readonly high: bigint | null;
}

type Phase = 'start' | 'minus' | 'zero' | 'integer' | 'point' | 'fraction' | 'e' | 'sign' | 'exponent';

/** A number as far as it has been spelled. */
export interface DecimalPlace {
  readonly phase: Phase;
  readonly isNegative: boolean;
  /** Digits of the part that the phase is about. */
  readonly digits: number;
  /** Digits so far without the point; 0 where there are no bounds to hold them against. */
  readonly value: bigint;
  readonly key: string;
}

const MOST = 10n ** BigInt(GRAMMAR_LIMITS.integerDigits);
const place = (phase: Phase, isNegative: boolean, digits: number, value: bigint): DecimalPlace => {
  return { phase, isNegative, digits, value, key: `${phase}${isNegative ? '-' : ''}${digits}/${value}` };
};
export const DECIMAL_START = place('start', false, 0, 0n);

const COMPLETE: ReadonlySet<Phase> = new Set(['zero', 'integer', 'fraction', 'exponent']);
const NEXT = [...'-+.eE0123456789'].map((character) => character.charCodeAt(0));

/** The place behind a byte; null when no allowed number goes on like that. */
export function decimalStep(range: DecimalRange, from: DecimalPlace, byte: number): DecimalPlace | null {
  const to = spelled(range, from, byte);
  return to !== null && leadsToRange(range, to) ? to : null;
}

/** Whether the number may end here. */
export function isDecimal(range: DecimalRange, { phase, isNegative, digits, value }: DecimalPlace): boolean {
  if (!COMPLETE.has(phase)) return false;
  const behind = range.fractionDigits - (phase === 'fraction' ? digits : 0);
  const magnitude = value * 10n ** BigInt(behind);
  return overlaps(range, isNegative, magnitude, magnitude);
}

export function goesOn(range: DecimalRange, from: DecimalPlace): boolean {
  return NEXT.some((byte) => decimalStep(range, from, byte) !== null);
}

/** Whether any number is in the range. */
export function hasDecimal(range: DecimalRange): boolean {
  const { low, high } = range;
  return (low === null || high === null || low <= high) && goesOn(range, DECIMAL_START);
}

/** The least number of units that is not below `bound` (or above it, where it does not belong to the range). */
export function lowestOf(bound: number, isExclusive: boolean, fractionDigits: number): bigint {
  const { units, isExact } = unitsOf(bound, fractionDigits);
  // Rounding is monotone: a decimal above the bound could still be read as the bound, so it must reach the next double.
  if (isExclusive && (fractionDigits > 0 || Math.abs(bound) >= 2 ** 53))
    return lowestOf(nextAbove(bound), false, fractionDigits);
  return isExact ? units + (isExclusive ? 1n : 0n) : units + 1n;
}

export function highestOf(bound: number, isExclusive: boolean, fractionDigits: number): bigint {
  return -lowestOf(-bound, isExclusive, fractionDigits);
}

/** A double in units of a digit behind the point, rounded down. */
function unitsOf(value: number, fractionDigits: number): { units: bigint; isExact: boolean } {
  const [, sign = '', whole = '0', part = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  const digits = BigInt(whole + part) * (sign === '-' ? -1n : 1n);
  const shift = Number(exponent) - part.length + fractionDigits;
  if (shift >= 0) return { units: digits * 10n ** BigInt(shift), isExact: true };
  const divisor = 10n ** BigInt(-shift);
  const units = digits / divisor;
  const isExact = units * divisor === digits;
  return { units: !isExact && digits < 0n ? units - 1n : units, isExact };
}

function nextAbove(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return view.getFloat64(0);
}

function spelled({ fractionDigits, low, high }: DecimalRange, from: DecimalPlace, byte: number): DecimalPlace | null {
  const { phase, isNegative, digits, value } = from;
  const isBounded = low !== null || high !== null;
  const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : -1;
  const appended = isBounded && digit >= 0 ? value * 10n + BigInt(digit) : 0n;
  switch (phase) {
    case 'start':
      if (byte === MINUS) return place('minus', true, 0, 0n);
      return digit < 0 ? null : place(digit === 0 ? 'zero' : 'integer', false, 1, appended);
    case 'minus':
      return digit < 0 ? null : place(digit === 0 ? 'zero' : 'integer', true, 1, appended);
    case 'zero':
    case 'integer':
      if (digit >= 0) {
        const isFull = phase === 'zero' || digits === GRAMMAR_LIMITS.integerDigits;
        return isFull ? null : place('integer', isNegative, digits + 1, appended);
      }
      if (byte === POINT && fractionDigits > 0) return place('point', isNegative, 0, value);
      break;
    case 'point':
      return digit < 0 ? null : place('fraction', isNegative, 1, appended);
    case 'fraction':
      if (digit < 0) break;
      return digits === fractionDigits ? null : place('fraction', isNegative, digits + 1, appended);
    case 'e':
      if (byte === PLUS || byte === MINUS) return place('sign', isNegative, 0, 0n);
      return digit < 0 ? null : place('exponent', isNegative, 1, 0n);
    case 'sign':
      return digit < 0 ? null : place('exponent', isNegative, 1, 0n);
    case 'exponent':
      return digit < 0 || digits === GRAMMAR_LIMITS.exponentDigits
        ? null
        : place('exponent', isNegative, digits + 1, 0n);
  }
  // Behind whole digits or a fraction.
  const hasExponent = !isBounded && fractionDigits > 0 && (byte === 0x65 || byte === 0x45);
  return hasExponent ? place('e', isNegative, 0, 0n) : null;
}
const [MINUS, PLUS, POINT] = [0x2d, 0x2b, 0x2e] as const;

/** Whether some number that begins like this is in the range. */
function leadsToRange(range: DecimalRange, { phase, isNegative, digits, value }: DecimalPlace): boolean {
  const { fractionDigits, low, high } = range;
  if (low === null && high === null) return true;
  const unit = 10n ** BigInt(fractionDigits);
  if (phase === 'minus') return overlaps(range, true, 0n, MOST * unit - 1n);
  if (phase === 'fraction') {
    const step = 10n ** BigInt(fractionDigits - digits);
    return overlaps(range, isNegative, value * step, (value + 1n) * step - 1n);
  }
  let first = value * unit;
  let last = first + unit - 1n;
  if (overlaps(range, isNegative, first, last)) return true;
  if (phase !== 'integer') return false;
  for (let more = digits; more < GRAMMAR_LIMITS.integerDigits; more++) {
    first *= 10n;
    last = last * 10n + 9n;
    if (overlaps(range, isNegative, first, last)) return true;
  }
  return false;
}

/** Whether a magnitude between two is in the range; all in units of the last digit. */
function overlaps({ low, high }: DecimalRange, isNegative: boolean, first: bigint, last: bigint): boolean {
  const [least, most] = isNegative ? [-last, -first] : [first, last];
  return (low === null || most >= low) && (high === null || least <= high);
}
