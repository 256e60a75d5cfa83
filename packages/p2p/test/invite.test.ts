import { describe, expect, it } from 'vitest';
import { decodeInvite, encodeInvite, type Invite } from '../src/index.ts';

const invite: Invite = {
  addresses: ['/ip4/192.0.2.7/tcp/4100/p2p/12D3KooWQqmEw8iXa6iVbigrdqjxoS5t3hdGe5yEVdEdDvP1EkyA'],
  networkId: '0123456789abcdef'.repeat(4),
  modelRoot: 'fe'.repeat(32),
  joinSecret: new Uint8Array(16).fill(9),
};

describe('invite', () => {
  it('is one token that carries everything', () => {
    const token = encodeInvite(invite);
    expect(token).toMatch(/^blyan1[A-Za-z0-9_-]+$/);
    expect(decodeInvite(` ${token}\n`)).toEqual(invite);
    const { joinSecret: _, modelRoot: __, ...open } = invite;
    expect(decodeInvite(encodeInvite(open))).toEqual(open);
  });

  it('is refused with any character changed, missing or added', () => {
    const token = encodeInvite(invite);
    for (let at = 6; at < token.length; at++) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      expect(() => decodeInvite(changed)).toThrow(expect.objectContaining({ code: 'ERR_P2P_INVITE' }));
    }
    for (const bad of [token.slice(0, -1), `${token}A`, 'blyan1', '', '/ip4/1.2.3.4/tcp/1']) {
      expect(() => decodeInvite(bad)).toThrow(expect.objectContaining({ code: 'ERR_P2P_INVITE', kind: 'caller' }));
    }
    expect(() => encodeInvite({ ...invite, addresses: [] })).toThrow(
      expect.objectContaining({ code: 'ERR_P2P_INVITE' }),
    );
  });
});
