import { expect, test } from 'vitest';
import { networkOf } from '../../src/limits/network-of.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:01:0002::1', '2001:db8:1:2'],
  // Zeros that were left out are groups as well: all of these are one network.
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8::abcd:1:2:3', '2001:db8:0:0'],
  ['2001:db8:0:0:abcd:1:2:3', '2001:db8:0:0'],
  ['2001:db8:0:1::', '2001:db8:0:1'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0'],
])('%s is of the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('what is no address gets some network, and takes no longer for it', () => {
  expect(networkOf('x'.repeat(10_000))).toHaveLength(64);
  expect(networkOf(`${':'.repeat(10_000)}`).length).toBeLessThan(64);
  expect(networkOf('')).toBe('');
});
