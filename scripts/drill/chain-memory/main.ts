import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { grownGenesis, numberedSeed } from '@blyan/testkit';
import { drillCommand } from '../drill-command.ts';
import { type MemoryOptions, parseOptions, USAGE } from './options.ts';
import { SoloChain } from './solo-chain.ts';

const MIB = 1024 * 1024;
const LOOKS = 20;
/** Looks before memory has to be steady: caches fill. */
const WARM_LOOKS = 4;
/** Beyond the most of the looks that follow the warm ones' end, the live heap may not grow by more. */
const ALLOWED_GROWTH_BYTES = 8 * MIB;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

await drillCommand(parseOptions, USAGE, main);

interface Look {
  readonly height: number;
  readonly heapMiB: number;
  /** Buffers outside the heap. */
  readonly externalMiB: number;
  readonly rssMiB: number;
  readonly diskMiB: number;
}

async function main({ blocks, records, accounts, keepEpochs }: MemoryOptions, signal: AbortSignal): Promise<number> {
  const line = (text: string) => void process.stdout.write(`${text}\n`);
  const dir = await mkdtemp(join(tmpdir(), 'blyan-memory-'));
  const validator = numberedSeed('validator', 0);
  const genesis = grownGenesis({ validators: [validator], accounts });
  const chain = await SoloChain.start({ dir, genesis, validator, accounts, keepEpochs });
  const looks: Look[] = [];
  const started = performance.now();
  try {
    for (let look = 1; look <= LOOKS && !signal.aborted; look++) {
      const height = Math.floor((blocks * look) / LOOKS);
      await chain.reach(height, records, signal);
      // What the first collection finds is let go of by finalisers, and freed by the second.
      collect();
      await new Promise((resolve) => setImmediate(resolve));
      collect();
      const { heapUsed, external, rss } = process.memoryUsage();
      const seen = {
        height: chain.height,
        heapMiB: heapUsed / MIB,
        externalMiB: external / MIB,
        rssMiB: rss / MIB,
        diskMiB: (await sizeOf(dir)) / MIB,
      };
      looks.push(seen);
      const perSecond = chain.height / ((performance.now() - started) / 1000);
      line(
        `height ${seen.height}: ${seen.heapMiB.toFixed(1)} MiB heap, ${seen.externalMiB.toFixed(1)} MiB buffers, ${seen.rssMiB.toFixed(0)} MiB resident, ` +
          `${seen.diskMiB.toFixed(0)} MiB on disk, ${perSecond.toFixed(0)} blocks/s`,
      );
    }
  } finally {
    await chain.stop();
    await rm(dir, { recursive: true, force: true });
  }
  if (signal.aborted) return 130;
  const [warm, last] = [looks[WARM_LOOKS - 1], looks.at(-1)] as [Look, Look];
  const grown = (last.heapMiB - warm.heapMiB) * MIB;
  const ok = grown <= ALLOWED_GROWTH_BYTES;
  const figures = Object.fromEntries(
    Object.entries({
      liveMiB: last.heapMiB,
      grownMiB: grown / MIB,
      residentMiB: last.rssMiB,
      residentGrownMiB: last.rssMiB - warm.rssMiB,
      diskMiB: last.diskMiB,
    }).map(([name, value]) => [name, Number(value.toFixed(1))]),
  );
  line(JSON.stringify({ blocks, records, accounts, keepEpochs, ok, ...figures, load: loadavg()[0] }));
  return ok ? 0 : 1;
}

async function sizeOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir, { recursive: true })) {
    bytes += await stat(join(dir, name)).then(
      ({ size }) => size,
      // Level removes a file now and then.
      () => 0,
    );
  }
  return bytes;
}
