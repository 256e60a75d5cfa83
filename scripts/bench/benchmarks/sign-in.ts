import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createGateway } from '@blyan/gateway';
import { silentLogger } from '@blyan/interface';
import { LevelStore } from '@blyan/store';
import { Browser } from '../../../gateway/test/auth/browser.ts';
import { Wallet } from '../../../gateway/test/auth/wallet.ts';
import { ScriptedCoordinator } from '../../../gateway/test/scripted-coordinator.ts';
import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { median, percentile, rangeOf } from '../stats.ts';

/** Longest that signing in may take once the wallet has signed. */
const GOAL_MS = 25;

export const signIn: Benchmark = {
  name: 'sign-in',
  about:
    'POST /auth/siwe/verify over loopback, the first one after a start and the following ones. Wallet and gateway share a ' +
    'process; signing is not counted. Processor time is that of both ends, and does not depend on what else runs.',
  async run({ quick, workDir, report, signal }) {
    const dir = await mkdtemp(join(workDir, 'sign-in-'));
    const accounts = await LevelStore.open({ dir });
    const gateway = createGateway({
      ...{ coordinator: new ScriptedCoordinator(), accounts, logger: silentLogger },
      ...{ host: '127.0.0.1', port: 0, version: 'bench' },
    });
    try {
      await gateway.start(signal);
      const { tookMs: first } = await verify(gateway.address());
      report(figure('sign-in.first', first, 'ms', { goal: { below: GOAL_MS }, note: 'with the first connection' }));
      const times: number[] = [];
      const cpuMs: number[] = [];
      for (let round = 0; round < (quick ? 100 : 500); round++) {
        const { tookMs, processorMs } = await verify(gateway.address());
        times.push(tookMs);
        cpuMs.push(processorMs);
      }
      report(figure('sign-in.median', median(times), 'ms', { range: rangeOf(times) }));
      report(figure('sign-in.p95', percentile(times, 0.95), 'ms', { goal: { below: GOAL_MS } }));
      report(figure('sign-in.processor-p95', percentile(cpuMs, 0.95), 'ms'));
    } finally {
      await gateway.stop();
      await accounts.close();
      await rm(dir, { recursive: true });
    }
  },
};

async function verify(url: string): Promise<{ readonly tookMs: number; readonly processorMs: number }> {
  const browser = new Browser(url);
  const wallet = new Wallet();
  const { message } = await browser.challenge(wallet);
  const signature = wallet.sign(message);
  const before = process.cpuUsage();
  const started = performance.now();
  const { status } = await browser.verify(message, signature);
  const tookMs = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  if (status !== 200) throw new Error(`Signing in was answered with status ${status}`);
  return { tookMs, processorMs: (user + system) / 1000 };
}
