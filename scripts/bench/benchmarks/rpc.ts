import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';

const PROGRAM = fileURLToPath(new URL('../../../packages/p2p/bench/call.ts', import.meta.url));

export const rpc: Benchmark = {
  name: 'rpc',
  about:
    'A raw call there and back between two hosts (Noise, Yamux, our frames) against a bare TCP echo of as many bytes, on loopback.',
  async run({ workDir, report, signal }) {
    const folder = await mkdtemp(join(workDir, 'rpc-'));
    try {
      const file = join(folder, 'call.json');
      const child = spawn(process.execPath, [PROGRAM, '--json', file], { stdio: 'ignore', signal });
      const [code] = await once(child, 'close');
      if (code !== 0) throw new Error(`${PROGRAM} ended with ${code}`);
      const seen = JSON.parse(await readFile(file, 'utf8')) as Record<string, number>;
      for (const bytes of [64, 8192, 65_536]) {
        const us = seen[`call${bytes}Us`] as number;
        const ratio = seen[`callToTcp${bytes}`] as number;
        report(figure(`rpc.call-${bytes}`, us, 'us', { limit: us / ratio, against: 'TCP echo' }));
      }
      report(figure('rpc.large', seen.largeMBps as number, 'MB/s', { note: '4 MiB answers, four calls at once' }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
