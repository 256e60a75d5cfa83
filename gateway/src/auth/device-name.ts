/** First match wins: most browsers name those that they descend from as well. */
const BROWSERS: readonly (readonly [string, RegExp])[] = [
  ['Edge', /\bEdg\w*\//],
  ['Opera', /\bOPR\//],
  ['Whale', /\bWhale\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(HeadlessChrome|Chrome|CriOS)\//],
  ['Safari', /\bSafari\//],
];
const SYSTEMS: readonly (readonly [string, RegExp])[] = [
  ['Android', /\bAndroid\b/],
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
];
const MAX_LENGTH = 512;

/**
 * What a person knows a device by, as `Firefox, Windows`; null for what calls itself no browser. Made of our own words
 * only: what a client writes in its User-Agent is neither kept nor shown.
 */
export function deviceName(userAgent: string | undefined): string | null {
  const text = (userAgent ?? '').slice(0, MAX_LENGTH);
  const named = (table: typeof BROWSERS) => table.find(([, pattern]) => pattern.test(text))?.[0];
  const browser = named(BROWSERS);
  if (browser === undefined) return null;
  return [browser, named(SYSTEMS)].filter((part) => part !== undefined).join(', ');
}
