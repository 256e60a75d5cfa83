import {
  type Application,
  BlockRepository,
  ChainApplication,
  ChainService,
  decodeGenesis,
  Replica,
  realClock,
} from '@blyan/chain';
import type { BlockOutline } from '@blyan/chain-format';
import { fromHex, nodeSuite, publicKeyOf, sha256, signEd25519, toHex } from '@blyan/crypto';
import { errorCode, silentLogger, systemClock } from '@blyan/interface';
import { P2pChainNetwork, P2pHost } from '@blyan/p2p';
import { LevelStore } from '@blyan/store';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { misbehave } from './misbehave.ts';
import type { FromValidator, ToValidator, ValidatorSetup } from './validator-messages.ts';

// One node of a chain in a process of its own, driven by the messages of its parent. Ends when the parent is gone.
const PINGS = 2;
const PING_TIMEOUT_MS = 10_000;
const setup = JSON.parse(process.argv[2] as string) as ValidatorSetup;
const send = (message: FromValidator): void => void process.send?.(message);
process.on('disconnect', () => process.exit(0));

const bytes = fromHex(setup.genesis);
const genesis = { genesis: decodeGenesis(bytes), bytes, hash: toHex(sha256(bytes)) };
const seed = fromHex(setup.seed, 32);
const signer = { publicKey: toHex(publicKeyOf(seed)), sign: (message: Uint8Array) => signEd25519(message, seed) };
const logger = silentLogger;
const host = new P2pHost(
  {
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    networkId: genesis.hash,
    listen: [`/ip4/127.0.0.1/tcp/${setup.port}`],
    ...(setup.announce !== null && { announce: [setup.announce] }),
    bootstrap: setup.bootstrap,
    mdns: false,
  },
  { logger, clock: systemClock },
);
const store = await LevelStore.open({ dir: setup.dir });
const repository = new BlockRepository(store, nodeSuite);
const wire = new P2pChainNetwork({ host, logger, suite: nodeSuite });
const liar = setup.malicious ? misbehave(wire, genesis.hash, signer) : null;
const network = liar?.network ?? wire;
const { deltaMs, blockIntervalMs } = setup;
const blamed = new Set<string>();
let records = 0;
let seen = 0;
let decidedAtMs = Date.now();
let headOf: () => BlockOutline;
/** Notes when the application was told that a block is final, which is before the disk is. */
const noted = (application: Application): Application => {
  headOf = () => application.head;
  return new Proxy(application, {
    get(target, name) {
      if (name === 'commit') decidedAtMs = Date.now();
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
};

const service = new ChainService(
  { genesis, signer },
  {
    ...{ store, network, logger, suite: nodeSuite },
    openApplication: (source) => ChainApplication.open({ genesis }, { store, records: source, suite: nodeSuite }),
    createReplica: (application, to, source, events) =>
      new Replica(
        { network: genesis.hash, signer, deltaMs, blockIntervalMs },
        {
          ...{
            application: noted(application),
            store,
            network: to,
            source,
            clock: realClock,
            suite: nodeSuite,
            logger,
          },
          storedOutline: (hash) => repository.unfinalised(hash) ?? undefined,
        },
        {
          ...events,
          misbehaviour(peer, code) {
            blamed.add(code);
            events.misbehaviour(peer, code);
          },
          halted(error) {
            events.halted(error);
            report();
          },
        },
      ),
  },
);

let head = { height: 0, hash: '', timeMs: 0, waitingMs: 0, pending: 0, evidence: [] as readonly unknown[] };

function report(): void {
  const { failure } = service;
  if (failure === null) head = service.head();
  const { height, hash, timeMs, waitingMs, pending } = head;
  // The head itself is in memory; to read it back would cost what a part of its records costs.
  while (seen < height) {
    const at = headOf().header.height === ++seen ? headOf() : repository.blockAt(seen)?.block;
    records += at?.header.recordCount ?? 0;
  }
  const { user, system } = process.cpuUsage();
  send({
    ...{ decidedMs: decidedAtMs - timeMs, cpuMs: (user + system) / 1000 },
    ...{ type: 'head', height, hash, ageMs: Date.now() - timeMs, waitingMs, pending, records },
    ...{ evidence: head.evidence.length, blamed: [...blamed], deeds: liar?.deeds ?? null },
    ...{ failure: failure === null ? null : String(failure.meta.reason), peers: host.peers().length },
  });
}

async function ping(): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < PINGS; round++) {
    for (const peer of host.peers()) {
      const started = performance.now();
      await host.ping(peer, { timeoutMs: PING_TIMEOUT_MS });
      times.push(performance.now() - started);
    }
  }
  send({ type: 'round-trip', rttMs: times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN });
}

process.on('message', async (message: ToValidator) => {
  if (message.type === 'report') return report();
  if (message.type === 'ping') return ping();
  if (message.type === 'end') process.exit(0);
  const codes: string[] = [];
  for (const record of message.records) {
    try {
      await service.submit(new Uint8Array(Buffer.from(record, 'base64')));
    } catch (error) {
      codes.push(errorCode(error));
    }
  }
  send({ type: 'submitted', codes });
});

await host.start();
await service.start();
service.onHead(report);
const port = Number(host.addresses()[0]?.split('/')[4]);
send({ type: 'ready', port: setup.port === 0 ? port : setup.port });
report();
