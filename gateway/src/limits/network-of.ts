const GROUPS = 8;
/** Of an address as Node writes it; a proxy could write more. */
const MAX_LENGTH = 64;

/**
 * From which network a client comes: its IPv4 address, or the first 64 bits of its IPv6 address, because one machine has
 * all the addresses behind them. However the address is shortened, its network is always written the same.
 */
export function networkOf(address: string): string {
  const plain = address
    .slice(0, MAX_LENGTH)
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.replace(/%.*/, '').split('::', 2);
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => group.replace(/^0+(?=.)/, '')));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - left.length - right.length);
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, GROUPS / 2).join(':');
}
