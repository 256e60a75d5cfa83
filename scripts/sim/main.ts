import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { PLANTS, runSeed, type SeedResult } from '@blyan/testkit/sim';
import { HELP, parseCommand, type SimCommand } from './options.ts';

const STALLED = 'not everything became final after a heal';

const line = (text: string) => process.stdout.write(`${text}\n`);

/** Seeds within which every plant has to be found. */
const PLANT_SEEDS = 200;

/** Results in any order, each seed run by one of as many threads as there are cores. */
async function* results({ seeds, plant }: Pick<SimCommand, 'seeds' | 'plant'>): AsyncGenerator<SeedResult> {
  const left = seeds[Symbol.iterator]();
  const done: SeedResult[] = [];
  let news = Promise.withResolvers<void>();
  const workers = Array.from({ length: Math.min(availableParallelism(), seeds.length) }, () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { plant } });
    const next = () => {
      const { value, done: none } = left.next();
      if (!none) worker.postMessage(value);
    };
    worker.on('message', (result: SeedResult) => {
      done.push(result);
      news.resolve();
      next();
    });
    worker.on('error', (error) => news.reject(error));
    next();
    return worker;
  });
  try {
    for (let given = 0; given < seeds.length; ) {
      await news.promise;
      news = Promise.withResolvers();
      for (const result of done.splice(0)) {
        given++;
        yield result;
      }
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Runs every plant until a seed finds it. */
async function findPlants(): Promise<void> {
  let missed = 0;
  for (const plant of Object.keys(PLANTS)) {
    const found = await firstFind(plant);
    missed += Number(found === null);
    line(`${plant}: ${found ?? `not found by ${PLANT_SEEDS} seeds`}`);
  }
  line(JSON.stringify({ plants: Object.keys(PLANTS).length, missed }));
  process.exitCode = missed > 0 ? 1 : 0;
}

async function firstFind(plant: string): Promise<string | null> {
  const seeds = Array.from({ length: PLANT_SEEDS }, (_, i) => i + 1);
  for await (const { seed, violations, stalled } of results({ seeds, plant })) {
    if (violations.length > 0) return `seed ${seed}: ${violations[0]}`;
    if (stalled) return `seed ${seed}: ${STALLED}`;
  }
  return null;
}

async function main(): Promise<void> {
  const command = parseCommand(process.argv.slice(2));
  if (command === null) {
    process.stdout.write(HELP);
    return;
  }
  if (command.plants) return findPlants();
  const total = { seeds: 0, violations: 0, stalled: 0, equivocations: 0, withheld: 0, partitions: 0, crashes: 0 };
  let different = 0;
  const take = (result: SeedResult) => {
    total.seeds++;
    total.violations += result.violations.length;
    total.stalled += Number(result.stalled);
    for (const name of ['equivocations', 'withheld', 'partitions', 'crashes'] as const) total[name] += result[name];
    for (const violation of result.violations) line(`seed ${result.seed}: ${violation}`);
    if (result.stalled) line(`seed ${result.seed}: ${STALLED}`);
    if (total.seeds % 100 === 0) line(`${total.seeds} seeds`);
  };
  if (command.seeds.length === 1) {
    const seed = command.seeds[0] as number;
    const plant = command.plant === undefined ? undefined : PLANTS[command.plant];
    const once = await runSeed({ seed, ...(plant && { plant }), ...(command.trace && { trace: line }) });
    const again = await runSeed({ seed, ...(plant && { plant }) });
    take(once);
    line(`seed ${seed}: ${once.nodes} validators, ${once.blocks} blocks, ${once.epochs} epochs, digest ${once.digest}`);
    if (once.digest !== again.digest) {
      different++;
      line(`seed ${seed}: a second run was different, digest ${again.digest}`);
    }
  } else {
    for await (const result of results(command)) take(result);
  }
  line(JSON.stringify(total));
  process.exitCode = total.violations + total.stalled + different > 0 ? 1 : 0;
}

await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
});
