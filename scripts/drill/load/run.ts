import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { devnetHostSpecs } from '@blyan/routing';
import { temporaryDirectory } from '@blyan/testkit';
import { dataDirPaths } from '../../../node/src/data-dir/data-dir.ts';
import { GENESIS_QUESTIONS } from '../../bench/model/genesis-model.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { ClusterNode } from '../cluster/cluster-node.ts';
import { drillModel } from '../cluster/drill-model.ts';
import { type Books, booksOf } from './books.ts';
import { Clients } from './clients.ts';
import { FAMILIES, type Family } from './families.ts';
import { GatewayWatch, HEAP_PROBE, type Life, socketsOf } from './gateway-watch.ts';
import { exchange, textOf } from './http.ts';
import type { Orders, Question } from './messages.ts';
import type { LoadOptions } from './options.ts';
import type { Tally } from './tally.ts';

export interface LoadDeps {
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface Restart {
  /** From SIGTERM to the end of the process, seconds. */
  readonly drainedAfterS: number;
  /** From SIGTERM until the next one was ready, seconds. */
  readonly backAfterS: number;
  /** How the process ended; 0 when it ended as it should. */
  readonly exitCode: number | null;
}

export interface LoadResult {
  readonly tally: Tally;
  /** Answers a second that the network gives to a few clients at a time, before the load. */
  readonly capacity: number;
  /** Answers a second that the good clients together ask for. */
  readonly offered: number;
  readonly lives: readonly Life[];
  /** What is alive in the gateway's memory when everybody is gone. */
  readonly idleMib: number;
  readonly restart: Restart | null;
  /** What is still taken afterwards; null: nothing. */
  readonly kvLeak: string | null;
  /** Open sockets of the gateway's process before and after. */
  readonly sockets: { readonly before: number; readonly after: number };
  /** Of as many answers at once as there are slots, afterwards. */
  readonly slots: { readonly asked: number; readonly given: number };
  readonly books: Books;
}

/** Answers at once. */
export const MAX_STREAMS = 64;
/** Longest that answers under way go on after SIGTERM. */
export const DRAIN_MS = 20_000;
const KV_BUDGET_BYTES = 256 * 1024 * 1024;
const ANSWER_TOKENS = 16;
/** Of what the network can do, asked for by the good clients: the others want something too. */
const UTILISATION = 0.25;
/** No good client asks more often, so that none comes near its sixty requests a minute. */
const SHORTEST_THINK_MS = 3_000;
const GOOD_SHARE = 0.5;
const CALIBRATION = { atOnce: 16, rounds: 4 };
/** When the gateway is restarted, as a share of the time: the first life is long enough to see memory grow. */
const RESTART_AT = 0.65;
/** The share of a life that is its warm-up: code is compiled, heap and KV memory are taken. */
const WARM_UP = 0.4;
const SAY_EVERY_MS = 10_000;
const IDLE_TIMEOUT_MS = 90_000;
const SOCKETS_TIMEOUT_MS = 40_000;
const WHOLE = FAMILIES.find(({ name }) => name === 'chat, whole') as Family;

/** A thousand clients and one gateway. */
export async function runLoad(options: LoadOptions, { say, signal }: LoadDeps): Promise<LoadResult> {
  await using dir = await temporaryDirectory('blyan-load-');
  const source = await drillModel('genesis', { dir: dir.path, benchDir: dir.path, say, signal });
  const nodes = devnetHostSpecs(options.nodes, source.manifest.spec).map((host, index) => {
    return { host, gateway: index === 0 };
  });
  const args = [...['--kv-budget', String(KV_BUDGET_BYTES)], ...['--drain-ms', String(DRAIN_MS), '--limits', 'on']];
  const probe = { preload: [HEAP_PROBE], env: { BLYAN_HEAP_DIR: dir.path } };
  await using cluster = await Cluster.start({
    dir: dir.path,
    source,
    nodes,
    args,
    ...probe,
    seed: options.seed,
    signal,
  });
  const [gatewayNode] = cluster.nodes as [ClusterNode];
  const gateway = gatewayNode.gateway as string;
  const asks = { gateway, model: source.manifest.root, tokens: ANSWER_TOKENS, seed: options.seed };

  const questions: Question[] = [];
  for (const text of GENESIS_QUESTIONS) questions.push({ text, answer: await answerOf(text, asks, 0) });
  // KV memory is taken as answers at once need it, and stays.
  await askForAllSlots(asks);
  const capacity = await measureCapacity(questions, asks);
  const good = options.clients * GOOD_SHARE;
  const thinkMs = Math.max(SHORTEST_THINK_MS, (good * 1000) / (UTILISATION * capacity));
  const offered = (good * 1000) / thinkMs;
  say(
    `${capacity.toFixed(1)} answers a second without load; a good client thinks for ${(thinkMs / 1000).toFixed(0)} s`,
  );
  const before = socketsOf(gatewayNode.pid);
  using watch = new GatewayWatch(gatewayNode, dir.path);
  using clients = new Clients({ ...asks, questions, thinkMs }, options.clients, options.processes);
  const reporter = setInterval(() => {
    say(`${clients.progress}; gateway ${watch.residentMib.toFixed(0)} MiB`);
  }, SAY_EVERY_MS);
  const lives: Life[] = [];
  let restart: Restart | null = null;
  let tally: Tally;
  const live = async (ms: number) => {
    await delay(ms * WARM_UP, undefined, { signal });
    await watch.warm();
    await delay(ms * (1 - WARM_UP), undefined, { signal });
    lives.push(await watch.end());
  };
  try {
    const firstMs = options.seconds * 1000 * (options.restart ? RESTART_AT : 1);
    await live(firstMs);
    if (options.restart) {
      restart = await restartGateway(cluster, clients, say);
      await live(options.seconds * 1000 - firstMs);
    }
    say('the end: what was begun is finished');
    tally = await clients.end(signal);
  } finally {
    clearInterval(reporter);
  }
  const kvLeak = await cluster.untilIdle(IDLE_TIMEOUT_MS).then(
    () => null,
    (error: Error) => error.message,
  );
  const idleMib = await watch.liveMib();
  const after = await untilSocketsAre(before, gatewayNode.pid);
  const slots = await askForAllSlots(asks);
  const books = await booksOf(dataDirPaths(join(dir.path, 'node-0')).ledger);
  return { tally, capacity, offered, lives, idleMib, restart, kvLeak, sockets: { before, after }, slots, books };
}

type Asks = Omit<Orders, 'clients' | 'questions' | 'thinkMs'>;

/** @param client its address stands for a guest of its own */
async function answerOf(question: string, asks: Asks, client: number): Promise<string> {
  const body = WHOLE.body(question, { ...asks, clients: [], questions: [], thinkMs: 0 });
  const { response } = await exchange(asks.gateway + WHOLE.path, {
    from: `127.2.${client >> 8}.${client & 255}`,
    body,
  });
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${await textOf(response)}`);
  return await WHOLE.read(response, { text: '', position: '' });
}

async function measureCapacity(questions: readonly Question[], asks: Asks): Promise<number> {
  const { atOnce, rounds } = CALIBRATION;
  const round = (at: number) =>
    Promise.all(
      Array.from({ length: atOnce }, (_, index) => {
        const { text } = questions[(at + index) % questions.length] as Question;
        return answerOf(text, asks, 1 + at * atOnce + index);
      }),
    );
  await round(0);
  const beganMs = performance.now();
  for (let at = 1; at <= rounds; at++) await round(at);
  return (atOnce * rounds * 1000) / (performance.now() - beganMs);
}

async function restartGateway(cluster: Cluster, clients: Clients, say: LoadDeps['say']): Promise<Restart> {
  const [node] = cluster.nodes as [ClusterNode];
  say('the gateway is told to stop (SIGTERM)');
  const beganMs = performance.now();
  const seconds = () => (performance.now() - beganMs) / 1000;
  clients.tell({ type: 'away' });
  const exit = await node.stop();
  const drainedAfterS = seconds();
  say(`it ended after ${drainedAfterS.toFixed(1)} s; the next one starts`);
  await cluster.restart(node);
  await cluster.untilWhole();
  const backAfterS = seconds();
  clients.tell({ type: 'back' });
  say(`it is back after ${backAfterS.toFixed(1)} s`);
  return { drainedAfterS, backAfterS, exitCode: exit?.code ?? null };
}

/** Connections that are closing are given their time. */
async function untilSocketsAre(wanted: number, pid: number): Promise<number> {
  for (const deadline = Date.now() + SOCKETS_TIMEOUT_MS; ; await delay(500)) {
    const found = socketsOf(pid);
    if (found <= wanted || Date.now() > deadline) return found;
  }
}

/** A slot that is still taken would be missing here. */
async function askForAllSlots(asks: Asks): Promise<LoadResult['slots']> {
  const answers = Array.from({ length: MAX_STREAMS }, (_, index) => answerOf('What is a river?', asks, 1_000 + index));
  const given = (await Promise.allSettled(answers)).filter(({ status }) => status === 'fulfilled').length;
  return { asked: MAX_STREAMS, given };
}
