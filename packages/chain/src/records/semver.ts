const SEMVER =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-((?:0|[1-9]\d{0,8}|\d*[A-Za-z-][\dA-Za-z-]*)(?:\.(?:0|[1-9]\d{0,8}|\d*[A-Za-z-][\dA-Za-z-]*))*))?$/;

/** Semantic Versioning 2.0.0 without build metadata, which has no order; at most 64 characters, numbers of at most nine digits. */
export function isVersion(text: string): boolean {
  return text.length <= 64 && SEMVER.test(text);
}

/** Below, at or above zero as `a` comes before, with or after `b` (SemVer 2.0.0 section 11). Both are versions. */
export function compareVersions(a: string, b: string): number {
  const [coreA, preA] = split(a);
  const [coreB, preB] = split(b);
  const core = compareLists(coreA, coreB);
  if (core !== 0) return core;
  // A pre-release comes before its release.
  if (preA.length === 0 || preB.length === 0) return preB.length - preA.length;
  return compareLists(preA, preB);
}

function split(version: string): [core: string[], preRelease: string[]] {
  const dash = version.indexOf('-');
  if (dash < 0) return [version.split('.'), []];
  return [version.slice(0, dash).split('.'), version.slice(dash + 1).split('.')];
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareParts(a[i] as string, b[i] as string);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Numbers by value and before words, words by code unit. */
function compareParts(a: string, b: string): number {
  const [numberA, numberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numberA && numberB) return Number(a) - Number(b);
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
