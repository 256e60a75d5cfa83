const DECIMALS = 18;
const UNIT = 10n ** BigInt(DECIMALS);

/** Base units, of which there are 10^18, of an amount with at most 18 decimals, as `1.5`; null when it is none. */
export function parseUnits(text: string): bigint | null {
  const match = /^(\d{1,20})(?:\.(\d{1,18}))?$/.exec(text);
  if (match === null) return null;
  const [, whole = '0', fraction = ''] = match;
  return BigInt(whole) * UNIT + BigInt(fraction.padEnd(DECIMALS, '0'));
}

/** `1.5`, exactly; also of an amount in decimal digits, as answers have it. */
export function formatUnits(amount: bigint | string): string {
  const units = BigInt(amount);
  const positive = units < 0n ? -units : units;
  const fraction = String(positive % UNIT)
    .padStart(DECIMALS, '0')
    .replace(/0+$/, '');
  return `${units < 0n ? '-' : ''}${positive / UNIT}${fraction === '' ? '' : `.${fraction}`}`;
}
