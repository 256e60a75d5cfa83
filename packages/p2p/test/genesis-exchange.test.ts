import { sha256, toHex } from '@blyan/crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { GenesisExchange, type P2pHost } from '../src/index.ts';
import { connectHosts, startHost } from './support.ts';

const hosts: P2pHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});

describe('GenesisExchange', () => {
  it('hands over the bytes whose hash is the network id and nothing else', async () => {
    const genesis = new TextEncoder().encode('genesis of a test');
    const networkId = toHex(sha256(genesis));
    const [liar, holder, joining] = await Promise.all([0, 1, 2].map(() => startHost({ networkId })));
    if (!liar || !holder || !joining) throw new Error('unreachable');
    hosts.push(liar, holder, joining);
    new GenesisExchange(liar, new Uint8Array([1]));
    new GenesisExchange(holder, genesis);
    const exchange = new GenesisExchange(joining, null);
    await Promise.all([connectHosts(joining, liar), connectHosts(joining, holder)]);
    await expect(exchange.fetch([liar.peerId])).rejects.toMatchObject({ code: 'ERR_P2P_GENESIS' });
    expect(await exchange.fetch([liar.peerId, holder.peerId])).toEqual(genesis);
  });
});
