import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataDirPaths } from '../../../node/src/data-dir/data-dir.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { ClusterNode } from '../cluster/cluster-node.ts';
import { drillModel } from '../cluster/drill-model.ts';
import { drillCommand } from '../drill-command.ts';
import { askUntilGone, type Seen } from './clients.ts';
import { DEFAULT_PRICE, judgeLedger } from './judge.ts';
import { type LedgerDrillOptions, parseOptions, USAGE } from './options.ts';
import { FAULT_POINTS, type FaultPoint, type Plan, randomOf } from './plan.ts';

/** A life of the gateway ends when a point is reached for a time up to this one. */
const MAX_PASS = 12;
const MAX_TOKENS = 24;
const TOLD_EVERY = 10;

await drillCommand(parseOptions, USAGE, main);

async function main(options: LedgerDrillOptions, signal: AbortSignal): Promise<number> {
  const { kills, seed, json } = options;
  const line = (text: string) => void process.stdout.write(`${text}\n`);
  const dir = await mkdtemp(join(tmpdir(), 'blyan-ledger-drill-'));
  const startedAt = performance.now();
  const problems = new Set<string>();
  const died: Record<FaultPoint, number> = { 'after-reserve': 0, 'before-post': 0, 'mid-batch': 0 };
  const seen: Seen[] = [];
  try {
    const source = await drillModel('golden', { dir, benchDir: dir, say: () => {}, signal });
    const network = join(dir, 'network');
    await mkdir(network);
    const planPath = join(dir, 'plan.json');
    const mark = join(dir, 'died');
    const random = randomOf(seed);
    const next = async (kill: number): Promise<Plan> => {
      const point = FAULT_POINTS[kill % FAULT_POINTS.length] as FaultPoint;
      const plan = { point, pass: 1 + Math.floor(random() * MAX_PASS), mark };
      await writeFile(planPath, JSON.stringify(plan));
      await rm(mark, { force: true });
      return plan;
    };
    let plan = await next(0);
    await using cluster = await Cluster.start({
      ...{ dir: network, source, signal },
      nodes: [{ host: 'trunk,embedding,head', gateway: true }, { host: 'experts:*.0-7' }],
      preload: [new URL('./die.ts', import.meta.url).href],
      env: { BLYAN_DRILL_PLAN: planPath },
    });
    const gateway = cluster.nodes[0] as ClusterNode;
    const ledger = dataDirPaths(join(network, 'node-0')).ledger;
    let judged = judgeLedger(ledger, [], DEFAULT_PRICE);
    for (let kill = 1; kill <= kills && !signal.aborted; kill++) {
      const asking = { url: gateway.gateway ?? '', model: source.manifest.root, maxTokens: MAX_TOKENS, random };
      seen.push(...(await askUntilGone({ ...asking, clients: options.clients })));
      if ((await readFile(mark, 'utf8').catch(() => null)) === plan.point) died[plan.point] += 1;
      else problems.add(`life ${kill} did not end at ${plan.point}: ${gateway.lastWords}`);
      plan = await next(kill);
      await cluster.restart(gateway);
      await cluster.untilWhole();
      judged = judgeLedger(ledger, seen, DEFAULT_PRICE);
      for (const problem of judged.problems) {
        if (!problems.has(problem)) line(`WRONG after kill ${kill}: ${problem}`);
        problems.add(problem);
      }
      if (kill % TOLD_EVERY === 0)
        line(`${kill} kills: ${judged.posted} answers paid, ${judged.voided} released, ${problems.size} problems`);
    }
    if (signal.aborted) return 130;
    const { entries, posted, voided, unpaid } = judged;
    const usages = seen.filter(({ usage }) => usage !== null).length;
    const ok = problems.size === 0 && posted > 0 && voided > 0;
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    line(
      `${ok ? 'ok' : 'FAILED'}: ${kills} kills (${FAULT_POINTS.map((point) => `${died[point]} ${point}`).join(', ')}), ` +
        `${posted} answers paid for exactly their tokens, ${voided} released, ${seconds} s`,
    );
    const figures = { kills, seed, ok, died, entries, answers: seen.length, usages, posted, voided, unpaid };
    if (json) line(JSON.stringify({ ...figures, problems: [...problems], seconds, load: loadavg()[0] }));
    return ok ? 0 : 1;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
