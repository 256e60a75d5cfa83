import { expect, test } from 'vitest';
import { compareVersions, isVersion } from '../../src/records/semver.ts';

test('versions order as section 11 of Semantic Versioning says', () => {
  const pre = ['alpha', 'alpha.1', 'alpha.beta', 'beta', 'beta.2', 'beta.11', 'rc.1'].map((text) => `1.0.0-${text}`);
  const ascending = ['0.9.10', ...pre, '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0'];
  ascending.forEach((a, i) => {
    expect(isVersion(a)).toBe(true);
    ascending.forEach((b, j) => {
      expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(i - j));
    });
  });
});

test.each([
  '',
  '1',
  '1.0',
  '1.0.0.0',
  'v1.0.0',
  '1.0.-1',
  '1.00.0',
  '1.0.0-',
  '1.0.0-01',
  '1.0.0-a..b',
  '1.0.0+x',
  ' 1.0.0',
])('"%s" is no version', (text) => {
  expect(isVersion(text)).toBe(false);
});
