import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChainProcesses } from '@blyan/testkit';
import { drillCommand } from '../drill-command.ts';
import { checkAll } from './check.ts';
import { fillDisk } from './disk-full.ts';
import { KillRounds } from './kill-rounds.ts';
import { type CrashOptions, parseOptions, USAGE } from './options.ts';

await drillCommand(parseOptions, USAGE, main);

async function main({ kills, seed }: CrashOptions, signal: AbortSignal): Promise<number> {
  const line = (text: string) => void process.stdout.write(`${text}\n`);
  const workDir = await mkdtemp(join(tmpdir(), 'blyan-crash-'));
  const problems: string[] = [];
  const wrong = (problem: string) => {
    problems.push(problem);
    line(`WRONG: ${problem}`);
  };
  try {
    const options = { dir: workDir, validators: 4, authors: 32, deltaMs: 500, blockIntervalMs: 20 };
    await using network = await ChainProcesses.start(options);
    await network.connected();
    const rounds = new KillRounds(network, seed, wrong);
    for (let kill = 1; kill <= kills && !signal.aborted; kill++) {
      await rounds.kill(kill % 8 === 0);
      if (kill % 20 === 0)
        line(`${kill} kills: height ${rounds.height}, ${rounds.acknowledged} blocks acknowledged by the killed`);
    }
    if (signal.aborted) return 130;
    const { height, records } = await rounds.settle();
    for (const [i, node] of network.nodes.entries()) {
      await node.kill();
      const all = await checkAll(network.setup(i).dir, network.genesis);
      for (const problem of all.problems) wrong(`validator ${i}: ${problem}`);
    }
    const diskFull = await fillDisk(workDir);
    for (const problem of diskFull.problems) wrong(problem);
    const { acknowledged, whileStarting } = rounds;
    const ok = problems.length === 0;
    const load = loadavg()[0];
    line(
      JSON.stringify({
        kills,
        seed,
        ok,
        height,
        records,
        acknowledged,
        whileStarting,
        violations: problems.length,
        diskFull,
        load,
      }),
    );
    return ok ? 0 : 1;
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}
