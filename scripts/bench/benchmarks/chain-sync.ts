import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SnapshotShelf } from '@blyan/chain';
import { nodeSuite } from '@blyan/crypto';
import { EPOCH_BLOCKS } from '@blyan/params';
import { FileBlobs, LevelStore } from '@blyan/store';
import { GrownChain, grownGenesis, numberedSeed } from '@blyan/testkit';
import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureEd25519 } from '../limits/ed25519-rate.ts';
import { keptFolder } from '../model/kept.ts';
import type { ChainNodeSetup, FromChainNode } from '../network/chain-node-messages.ts';
import { median } from '../stats.ts';

const NODE = fileURLToPath(new URL('../network/chain-node.ts', import.meta.url));
const RECORDS = 10;
const VALIDATORS = 4;
const SIGNATURES = RECORDS + VALIDATORS;
const MIB = 1024 * 1024;
const BYTES_PER_BLOCK = 16 * 1024;

export const chainSync: Benchmark = {
  name: 'chain-sync',
  about:
    'A node that joins 20,000 blocks of 10 transfers between 10,000 accounts (quick: 2,000 blocks), over libp2p on loopback, cold: ' +
    'until it has the head of its peer, by snapshot and by replay. Replay is held against the signatures of its records and votes.',
  async run({ quick, workDir, signal, say, report }) {
    const blocks = quick ? 2_000 : 20_000;
    const accounts = 10_000;
    const options = {
      validators: Array.from({ length: VALIDATORS }, (_, i) => numberedSeed('validator', i)),
      accounts,
    };
    const kept = join(workDir, `chain-${blocks}`);
    const { bytes: genesis, hash: network } = grownGenesis(options);
    const description = { version: 1, network, blocks, RECORDS };
    await keptFolder(kept, description, blocks * BYTES_PER_BLOCK, (dir) => grow(dir, options, blocks, say, signal));
    const rate = measureEd25519(quick ? 1 : 3);
    report(figure('chain-sync.ed25519', rate, 'verifications/s'));
    report(figure('chain-sync.bytes-per-record', (await sizeOf(join(kept, 'chain'))) / (blocks * RECORDS), 'B'));

    const dir = await mkdtemp(join(workDir, 'joining-'));
    await writeFile(join(dir, 'genesis.cbor'), genesis);
    const setup = { genesis: join(dir, 'genesis.cbor'), network, sampleEvery: blocks / 10 };
    const peer = start({
      ...{ ...setup, dir: join(kept, 'chain'), snapshots: join(kept, 'snapshots') },
      ...{ bootstrap: [], archive: true, until: null },
    });
    try {
      const { address } = await peer.said;
      const join_ = async (name: string, archive: boolean): Promise<FromChainNode> => {
        const joining = start({
          ...{ ...setup, dir: join(dir, name, 'chain'), snapshots: join(dir, name, 'snapshots') },
          ...{ bootstrap: [address], archive, until: blocks },
        });
        try {
          return await joining.said;
        } finally {
          await stop(joining.child);
          await rm(join(dir, name), { recursive: true, force: true });
        }
      };
      const rounds: FromChainNode[] = [];
      for (let round = 0; round < (quick ? 1 : 3); round++) {
        signal.throwIfAborted();
        rounds.push(await join_(`snapshot-${round}`, false));
      }
      const snapshotMs = median(rounds.map(({ usableMs }) => usableMs));
      const from = rounds[0]?.first as number;
      if (from < blocks - EPOCH_BLOCKS) throw new Error(`It did not begin from a snapshot, but at ${from}.`);
      report(
        figure('chain-sync.snapshot', snapshotMs / 1000, 's', {
          note: `${median(rounds.map(({ beginMs }) => beginMs)).toFixed(0)} ms until the snapshot of block ${from} was open, then ${blocks - from} blocks`,
        }),
      );
      say('replaying');
      const replay = await join_('replay', true);
      const seconds = replay.usableMs / 1000;
      report(
        figure('chain-sync.replay', seconds, 's', {
          limit: snapshotMs / 1000,
          against: 'by snapshot',
          // A tenth of the chain makes a tenth of the difference.
          ...(quick ? {} : { goal: { ratioAtLeast: 20 } }),
        }),
      );
      const snapshotCpuMs = median(rounds.map(({ cpuMs }) => cpuMs));
      report(
        figure('chain-sync.replay-cpu', replay.cpuMs / 1000, 's', {
          limit: snapshotCpuMs / 1000,
          against: 'by snapshot, processor time too',
        }),
      );
      const most = rate / SIGNATURES;
      report(figure('chain-sync.replay-blocks', blocks / seconds, 'blocks/s', { limit: most, against: 'signatures' }));
      report(figure('chain-sync.replay-records', (blocks * RECORDS) / seconds, 'records/s'));
      for (const { height, rssBytes, heapBytes } of replay.samples) {
        say(`height ${height}: ${(rssBytes / MIB).toFixed(0)} MiB resident, ${(heapBytes / MIB).toFixed(0)} MiB heap`);
      }
      const [early, late] = [replay.samples[1], replay.samples.at(-1)];
      if (early !== undefined && late !== undefined) {
        report(
          figure('chain-sync.replay-memory', late.rssBytes / MIB, 'MiB', {
            note: `at a fifth ${(early.rssBytes / MIB).toFixed(0)} MiB`,
          }),
        );
      }
    } finally {
      await stop(peer.child);
      await rm(dir, { recursive: true, force: true });
    }
  },
};

async function grow(
  dir: string,
  options: Parameters<typeof grownGenesis>[0],
  blocks: number,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<null> {
  const store = await LevelStore.open({ dir: join(dir, 'chain') });
  try {
    const chain = await GrownChain.open(store, options);
    const blobs = new FileBlobs(join(dir, 'snapshots'));
    const shelf = new SnapshotShelf(
      { network: chain.genesis.hash, epochBlocks: EPOCH_BLOCKS },
      { store, blobs, suite: nodeSuite },
    );
    for (let height = 0; height < blocks; height = chain.head.header.height) {
      signal.throwIfAborted();
      await chain.grow(Math.min(EPOCH_BLOCKS, blocks - height), RECORDS);
      if (height % 2_560 === 0) say(`making the chain: ${height} of ${blocks} blocks`);
      if (height + 2 * EPOCH_BLOCKS > blocks && chain.head.header.height % EPOCH_BLOCKS === 0)
        await shelf.take(store.snapshot());
    }
  } finally {
    await store.close();
  }
  return null;
}

function start(setup: ChainNodeSetup): { readonly child: ChildProcess; readonly said: Promise<FromChainNode> } {
  const child = fork(NODE, [JSON.stringify(setup)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const gone = once(child, 'exit').then(() => {
    throw new Error('A node of the chain has ended.');
  });
  gone.catch(() => undefined);
  return { child, said: Promise.race([once(child, 'message').then(([said]) => said as FromChainNode), gone]) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function sizeOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir)) bytes += (await stat(join(dir, name))).size;
  return bytes;
}
