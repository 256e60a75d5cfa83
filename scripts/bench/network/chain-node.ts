import { readFile } from 'node:fs/promises';
import { silentLogger, systemClock } from '@blyan/interface';
import { P2pHost } from '@blyan/p2p';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { startChain } from '../../../node/src/daemon/node-chain.ts';
import type { ChainNodeSetup, FromChainNode, MemorySample } from './chain-node-messages.ts';

// One node that follows a chain, in a process of its own: `chain-node.ts SETUP`. Ends with its parent.
const setup = JSON.parse(process.argv[2] as string) as ChainNodeSetup;
const send = (message: FromChainNode): void => void process.send?.(message);
process.on('disconnect', () => process.exit(0));

const genesis = new Uint8Array(await readFile(setup.genesis));
const privateKey = await generateKeyPair('Ed25519');
const samples: MemorySample[] = [];
const sample = (height: number): void => {
  const { rss, heapUsed } = process.memoryUsage();
  samples.push({ height, rssBytes: rss, heapBytes: heapUsed });
};

const started = performance.now();
const cpuBefore = process.cpuUsage();
const options = { listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: setup.bootstrap, mdns: false };
const host = new P2pHost(
  { privateKey, networkId: setup.network, ...options },
  { logger: silentLogger, clock: systemClock },
);
await host.start();
const chain = await startChain(
  {
    ...{ genesis, author: { privateKey }, dir: setup.dir, snapshots: setup.snapshots },
    ...{ joins: setup.bootstrap.length > 0, archive: setup.archive, keepEpochs: 128, snapshotEpochs: 1 },
  },
  { host, logger: silentLogger },
  new AbortController().signal,
);
if (chain === null) throw new Error('The genesis has no validators.');
const { service } = chain;
const begun = performance.now();
const first = service.head().height;
if (setup.until !== null) {
  const until = setup.until;
  await new Promise<void>((resolve) => {
    const look = () => {
      const { height } = service.head();
      if (height % setup.sampleEvery === 0) sample(height);
      if (height >= until) resolve();
    };
    service.onHead(look);
    look();
  });
}
const { user, system } = process.cpuUsage(cpuBefore);
send({
  ...{ address: host.addresses()[0] as string, first, beginMs: begun - started },
  ...{ usableMs: performance.now() - started, cpuMs: (user + system) / 1000, samples },
});
