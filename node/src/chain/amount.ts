const DECIMALS = 18;
const UNIT = 10n ** BigInt(DECIMALS);

/** Base units of an amount in BLY, at most 18 decimals: `1.5`; null when it is none. */
export function parseBly(text: string): bigint | null {
  const match = /^(\d{1,20})(?:\.(\d{1,18}))?$/.exec(text);
  if (match === null) return null;
  const [, whole = '0', fraction = ''] = match;
  return BigInt(whole) * UNIT + BigInt(fraction.padEnd(DECIMALS, '0'));
}

/** `1.5 BLY`. */
export function formatBly(units: bigint): string {
  const fraction = String(units % UNIT)
    .padStart(DECIMALS, '0')
    .replace(/0+$/, '');
  return `${units / UNIT}${fraction === '' ? '' : `.${fraction}`} BLY`;
}
