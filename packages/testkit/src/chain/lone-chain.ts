import { type BuiltGenesis, ChainApplication, type ChainNetwork, ChainService, Replica, realClock } from '@blyan/chain';
import { nodeSuite, publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import { type KeyValueStore, silentLogger } from '@blyan/interface';

const nothing = () => undefined;
/** Nobody else is there. */
const ALONE: ChainNetwork = {
  ...{ start: async () => undefined, stop: async () => undefined, penalize: nothing },
  ...{ send: nothing, publishRecord: nothing, publishBlock: nothing },
  ...{ outline: async () => null, records: async () => [], finalBlocks: async () => [] },
  ...{ reach: async () => null, pool: async () => [] },
  ...{ connected: () => [], manifest: async () => null, chunk: async () => null, epochEnds: async () => [] },
} as unknown as ChainNetwork;

/** The chain of a node that has no peers, unless it is given a network; it validates if its key is in the set. Not started. */
export function loneChain(
  genesis: BuiltGenesis,
  seed: Uint8Array,
  store: KeyValueStore,
  network: ChainNetwork = ALONE,
): ChainService {
  const signer = { publicKey: toHex(publicKeyOf(seed)), sign: (message: Uint8Array) => signEd25519(message, seed) };
  const logger = silentLogger;
  return new ChainService(
    { genesis, signer },
    {
      ...{ store, network, logger, suite: nodeSuite },
      openApplication: (records) => ChainApplication.open({ genesis }, { store, records, suite: nodeSuite }),
      createReplica: (application, to, source, events) =>
        new Replica(
          { network: genesis.hash, signer, deltaMs: 500, blockIntervalMs: 0 },
          {
            ...{ application, store, network: to, source, clock: realClock, suite: nodeSuite, logger },
            storedOutline: () => undefined,
          },
          events,
        ),
    },
  );
}
