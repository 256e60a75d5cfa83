import { RECORD_TTL_MS } from '@blyan/params';
import { devnetHostSpecs } from '@blyan/routing';
import { type EchoReport, measureLink, Random32, temporaryDirectory } from '@blyan/testkit';
import { Cluster } from '../cluster/cluster.ts';
import type { ClusterNode } from '../cluster/cluster-node.ts';
import { drillModel } from '../cluster/drill-model.ts';
import { type ChaosAnswer, chaosAnswer } from './client.ts';
import { type Kill, killsThatHit } from './kills.ts';
import { KV_BUDGET_BYTES, type MemoryLife, MemoryWatch } from './memory.ts';
import type { ChaosOptions } from './options.ts';
import { askAll, type ChaosQuestion } from './questions.ts';
import { Storm } from './storm.ts';
import { ROUGH_LINK, roughWeather, type Weather } from './weather.ts';

export interface ChaosDeps {
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface ChaosResult {
  readonly answers: readonly ChaosAnswer[];
  readonly kills: readonly Kill[];
  /** Of them, those that hit a node which computed an answer. */
  readonly hits: number;
  readonly memory: readonly MemoryLife[];
  /** What a link really takes and how often links were bad; null on a perfect network. */
  readonly links: { readonly echo: EchoReport; readonly weather: Record<Weather, number> } | null;
  /** What is still taken after the storm; null: nothing. */
  readonly leak: string | null;
  /** Who is listed and should not be, or the other way round; null: nobody. */
  readonly ghost: string | null;
}

/** After its time to live a record is swept within a second; the rest is for a busy machine. */
const GHOST_TIMEOUT_MS = RECORD_TTL_MS + 10_000;
/** Sequences whose coordinator died are swept after a minute without a step. */
const IDLE_TIMEOUT_MS = 90_000;
const SAY_EVERY_MS = 10_000;
const ECHOES = 30;
/** A daemon takes three seconds of a processor to start, which 50 streams would not leave it. */
const NICENESS = 5;

/** Streams without end while nodes die and come back; then what is left behind is looked at. */
export async function runChaos(options: ChaosOptions, deps: ChaosDeps): Promise<ChaosResult> {
  const { signal, say } = deps;
  await using dir = await temporaryDirectory('blyan-chaos-');
  const source = await drillModel(options.model, { dir: dir.path, benchDir: options.workDir, say, signal });
  const nodes = devnetHostSpecs(options.nodes, source.manifest.spec).map((host, index) => {
    return { host, gateway: options.gateways === 'all' || index === 0 };
  });
  const args = ['--kv-budget', String(KV_BUDGET_BYTES)];
  const links = options.network === 'rough' ? ROUGH_LINK : undefined;
  await using cluster = await Cluster.start({
    dir: dir.path,
    source,
    nodes,
    links,
    niceness: NICENESS,
    args,
    seed: options.seed,
    signal,
  });
  for (const node of cluster.nodes) say(`${node.label}  process ${node.pid}  ${node.peerId}  ${node.host}`);
  return await new Chaos(options, deps, cluster).run();
}

class Chaos {
  readonly #options: ChaosOptions;
  readonly #deps: ChaosDeps;
  readonly #cluster: Cluster;
  readonly #random: Random32;
  readonly #answers: ChaosAnswer[] = [];
  readonly #kills: Kill[] = [];
  readonly #connected = new Map<string, number>();
  #isOver = false;

  constructor(options: ChaosOptions, deps: ChaosDeps, cluster: Cluster) {
    this.#options = options;
    this.#deps = deps;
    this.#cluster = cluster;
    this.#random = new Random32(options.seed);
  }

  async run(): Promise<ChaosResult> {
    const { say, signal } = this.#deps;
    const { manifest, nodes } = this.#cluster;
    const { vocabSize, contextLength } = manifest.spec;
    const gateway = nodes[0]?.gateway as string;
    const { seed, streams, minutes, killRate, gateways, network } = this.#options;
    const echo = network === 'rough' ? await measureLink(ROUGH_LINK, ECHOES) : null;
    const questions = await askAll({ gateway, model: manifest.root, vocabSize, contextLength, seed, signal });
    say(`${questions.length} questions answered by the calm network; ${streams} streams begin`);
    const memory = new MemoryWatch(nodes);
    const reporter = setInterval(() => say(this.#progress()), SAY_EVERY_MS);
    const clients = Array.from({ length: streams }, () => this.#client(questions));
    const storm = new Storm(
      { killRate, sparesFirst: gateways === 'first', durationMs: minutes * 60_000 },
      {
        cluster: this.#cluster,
        random: this.#random,
        clientsOf: (node) => this.#connected.get(node.gateway ?? '') ?? 0,
        onKill: (kill) => void this.#kills.push(kill),
        signal,
      },
    );
    const clearing = new AbortController();
    const weather = echo === null ? null : this.#weather(clearing.signal);
    let lives: MemoryLife[];
    try {
      await storm.run();
    } finally {
      clearing.abort();
      this.#isOver = true;
      await Promise.all(clients);
      clearInterval(reporter);
      lives = memory.stop();
    }
    say(`the storm is over: ${this.#progress()}`);
    const leak = await complaint(() => this.#cluster.untilIdle(IDLE_TIMEOUT_MS));
    const ghost = await complaint(() => this.#untilNoGhost());
    const hits = killsThatHit(this.#kills, this.#answers).size;
    const links = echo === null || weather === null ? null : { echo, weather: await weather };
    return { answers: this.#answers, kills: this.#kills, hits, memory: lives, links, leak, ghost };
  }

  #weather(signal: AbortSignal): Promise<Record<Weather, number>> {
    const { wan, nodes } = this.#cluster;
    const names = nodes.map(({ label }) => label);
    return roughWeather(wan, names, new Random32(this.#options.seed + 1), AbortSignal.any([signal, this.#deps.signal]));
  }

  /** One answer after the other until the storm is over. */
  async #client(questions: readonly ChaosQuestion[]): Promise<void> {
    const gateways = this.#cluster.nodes.flatMap(({ gateway }) => (gateway === null ? [] : [gateway]));
    while (!this.#isOver && !this.#deps.signal.aborted) {
      const question = questions[this.#random.next() % questions.length] as ChaosQuestion;
      let at: string | null = null;
      const leave = () => {
        if (at !== null) this.#connected.set(at, (this.#connected.get(at) ?? 1) - 1);
        at = null;
      };
      const answer = await chaosAnswer(question, {
        model: this.#cluster.manifest.root,
        pickGateway: () => {
          leave();
          return gateways[this.#random.next() % gateways.length] as string;
        },
        onConnected: (gateway) => {
          at = gateway;
          this.#connected.set(gateway, (this.#connected.get(gateway) ?? 0) + 1);
        },
        signal: this.#deps.signal,
      });
      leave();
      this.#answers.push(answer);
      if (answer.outcome !== 'right') this.#deps.say(`${answer.outcome} answer: ${answer.detail}`);
    }
  }

  /** Kills a node for good and waits until everybody lists those that live, and nobody else. */
  async #untilNoGhost(): Promise<void> {
    const { nodes, observer } = this.#cluster;
    const victim = nodes.at(-1) as ClusterNode;
    await victim.kill();
    const alive = nodes.filter((node) => node !== victim).map(({ peerId }) => peerId);
    const wanted = alive.toSorted().join();
    await observer.until(
      (views) => {
        const listed = views.map(({ peerId }) => peerId).toSorted();
        return listed.join() === wanted ? null : `${listed.length} nodes are listed, ${alive.length} live`;
      },
      GHOST_TIMEOUT_MS,
      this.#deps.signal,
    );
    for (const { gateway, label, isRunning } of nodes) {
      if (gateway === null || !isRunning) continue;
      for (let tries = 0; ; tries++) {
        const { nodes: listed } = (await (await fetch(`${gateway}/api/v1/state`)).json()) as {
          nodes: { peerId: string }[];
        };
        if (
          listed
            .map(({ peerId }) => peerId)
            .toSorted()
            .join() === wanted
        )
          break;
        if (tries > 5) throw new Error(`${label} lists ${listed.length} nodes, ${alive.length} live`);
        await observer.nextChange(1_000);
      }
    }
  }

  #progress(): string {
    const right = this.#answers.filter(({ outcome }) => outcome === 'right').length;
    const resumes = this.#answers.reduce((sum, answer) => sum + answer.resumes, 0);
    const failovers = this.#answers.reduce((sum, answer) => sum + answer.failovers.length, 0);
    return `${this.#answers.length} answers, ${this.#answers.length - right} not right, ${this.#kills.length} kills, ${failovers} failovers, ${resumes} resumed`;
  }
}

async function complaint(check: () => Promise<void>): Promise<string | null> {
  try {
    await check();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
