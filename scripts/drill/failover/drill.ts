import type { Failover } from '@blyan/interface';
import { Random32, temporaryDirectory } from '@blyan/testkit';
import { type Answer, generate } from '../../bench/network/generate.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { ClusterNode } from '../cluster/cluster-node.ts';
import { drillModel, drillPrompt } from '../cluster/drill-model.ts';
import { type FaultName, makeFault, preloadFor } from './faults.ts';
import { clientGapMs, judge } from './judge.ts';
import { failoverLayout, type Layout, SPARE_DELAY_MS } from './layout.ts';
import type { FailoverOptions } from './options.ts';

/** Questions to a network that was disturbed, until a plan has the wanted node in it again. */
const MOST_TRIES = 60;
/** Times a fault is repeated whose answer was planned without the victim. */
const MOST_MISSES = 5;
const NEWS_TIMEOUT_MS = 2_000;
/** An answer that hangs is a failed one. */
const ANSWER_TIMEOUT_MS = 60_000;

export interface FaultReport {
  readonly fault: FaultName;
  readonly victim: string;
  /** The client had this token when the fault came. */
  readonly afterToken: number;
  /** Null when no answer came. */
  readonly gapMs: number | null;
  readonly failovers: readonly Failover[];
  readonly problems: readonly string[];
}

interface Hit {
  readonly answer: Answer | Error;
  readonly afterToken: number;
  readonly faultAtMs: number;
}

export interface DrillDeps {
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
  readonly onFault: (report: FaultReport) => void;
}

/** Fault after fault on a network of three nodes and a spare, each while an answer is in flight; judges every answer. */
export async function runFailoverDrill(options: FailoverOptions, deps: DrillDeps): Promise<FaultReport[]> {
  const { signal, say } = deps;
  await using dir = await temporaryDirectory('blyan-drill-');
  const source = await drillModel(options.model, { dir: dir.path, benchDir: options.workDir, say, signal });
  const layout = failoverLayout(options.role, source.manifest.spec);
  const { nodes } = layout;
  const preload = preloadFor(options.faults);
  await using cluster = await Cluster.start({ dir: dir.path, source, nodes, preload, signal });
  for (const node of cluster.nodes) say(`${node.label}  process ${node.pid}  ${node.peerId}  ${node.host}`);
  return await new FailoverDrill(options, deps, layout, cluster).run();
}

class FailoverDrill {
  readonly #options: FailoverOptions;
  readonly #deps: DrillDeps;
  readonly #layout: Layout;
  readonly #cluster: Cluster;
  readonly #random: Random32;

  constructor(options: FailoverOptions, deps: DrillDeps, layout: Layout, cluster: Cluster) {
    this.#options = options;
    this.#deps = deps;
    this.#layout = layout;
    this.#cluster = cluster;
    this.#random = new Random32(options.seed);
  }

  async run(): Promise<FaultReport[]> {
    const { kills } = this.#options;
    const reports: FaultReport[] = [];
    let victim = this.#draw();
    await this.#calm(0, victim);
    for (let round = 1; round <= kills; round++) {
      const failed = { peerId: victim.peerId, label: victim.label, fault: this.#faultOf(round) };
      let hit = await this.#disturb(victim, round);
      for (let tries = 0; tries < MOST_MISSES && this.#isMissed(hit, victim); tries++) {
        await this.#calm(round, victim);
        hit = await this.#disturb(victim, round);
      }
      victim = this.#draw();
      const calm = await this.#calm(round, round < kills ? victim : null);
      const report = this.#report(failed, hit, calm);
      reports.push(report);
      this.#deps.onFault(report);
    }
    await this.#cluster.untilIdle();
    return reports;
  }

  /** Asks the question of a round while the node fails; makes it sound again afterwards. */
  async #disturb(victim: ClusterNode, round: number): Promise<Hit> {
    const { answerTokens } = this.#options;
    // In the first half: by the time the signal is heard, the rest of a fast answer may be computed.
    const afterToken = 1 + (this.#random.next() % Math.max(1, answerTokens >> 1));
    const fault = makeFault(this.#faultOf(round));
    let faultAtMs = Number.NaN;
    let came = 0;
    const onToken = (index: number) => {
      came = index + 1;
      if (index !== afterToken) return;
      faultAtMs = performance.now();
      fault.begin(victim);
      // From now on everybody is on one machine, so that the gap is the failover's alone.
      this.#moveSpare(0);
    };
    const answer = await this.#ask(round, onToken).catch(
      (error: Error) => new Error(`${came} of ${answerTokens} tokens came; ${error.message}`),
    );
    if (answer instanceof Error) this.#deps.say(`the coordinator's last words: ${this.#cluster.nodes[0]?.lastWords}`);
    this.#moveSpare(SPARE_DELAY_MS);
    await fault.end(this.#cluster, victim);
    return { answer, afterToken, faultAtMs };
  }

  /** The plan of this answer did without the victim: nobody was replaced, and other nodes computed every layer. */
  #isMissed({ answer }: Hit, { peerId }: ClusterNode): boolean {
    if (answer instanceof Error || this.#options.role !== 'stage') return false;
    const { route = [], failovers = [] } = answer.blyan;
    const stages = route.filter(({ role }) => role === 'stage');
    const layers = stages.map(({ layers: range = '' }) => range.split('-').map(Number) as [number, number]);
    const computed = layers.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    const isUsed = stages.some((stage) => stage.peerId === peerId);
    return failovers.length === 0 && !isUsed && computed === this.#cluster.manifest.spec.layerCount;
  }

  #report(
    { peerId, label, fault }: { peerId: string; label: string; fault: FaultName },
    { answer, afterToken, faultAtMs }: Hit,
    calm: Answer,
  ): FaultReport {
    const base = { fault, victim: label, afterToken };
    if (answer instanceof Error) return { ...base, gapMs: null, failovers: [], problems: [answer.message] };
    const { failovers = [] } = answer.blyan;
    const { role, promptTokens } = this.#options;
    const { layerCount } = this.#cluster.manifest.spec;
    const problems = judge(
      { tokens: answer.tokenIds, failovers },
      { tokens: calm.tokenIds, victim: peerId, spare: this.#spare.peerId, role, fault, promptTokens, layerCount },
    );
    return { ...base, gapMs: clientGapMs(answer.arrivals, faultAtMs), failovers, problems };
  }

  /**
   * The calm answer to the question of a round, when the network is whole and plans have the next victim in its role again.
   * @throws Error when the network does not come to that
   */
  async #calm(round: number, victim: ClusterNode | null): Promise<Answer> {
    const { observer } = this.#cluster;
    await this.#cluster.untilWhole();
    let last = '';
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const answer = await this.#ask(round).catch((error: Error) => error);
      if (answer instanceof Error) last = answer.message;
      else {
        const { route = [], failovers = [] } = answer.blyan;
        const isUsed = route.some(({ peerId, role }) => peerId === victim?.peerId && role === this.#options.role);
        if ((victim === null || isUsed) && failovers.length === 0) return answer;
        last = `the route was ${JSON.stringify(route.map(({ peerId, role }) => [this.#cluster.labelOf(peerId), role]))}`;
      }
      await observer.nextChange(NEWS_TIMEOUT_MS);
      this.#deps.signal.throwIfAborted();
    }
    throw new Error(`${victim?.label ?? 'nobody'} is not used as ${this.#options.role} again; ${last}`);
  }

  #ask(round: number, onToken?: (index: number) => void): Promise<Answer> {
    const { promptTokens, answerTokens, seed, speculation } = this.#options;
    const { manifest, nodes } = this.#cluster;
    return generate({
      gateway: nodes[0]?.gateway as string,
      model: manifest.root,
      prompt: drillPrompt(promptTokens, manifest.spec.vocabSize, seed * 100_003 + round),
      tokens: answerTokens,
      plan: this.#layout.plan,
      speculation,
      signal: AbortSignal.any([this.#deps.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      onToken,
    });
  }

  #faultOf(round: number): FaultName {
    const { faults } = this.#options;
    return faults[(round - 1) % faults.length] as FaultName;
  }

  get #spare(): ClusterNode {
    return this.#cluster.nodes[this.#layout.spare] as ClusterNode;
  }

  #moveSpare(delayMs: number): void {
    this.#cluster.wan.set({ delayMs }, [this.#spare.label]);
  }

  #draw(): ClusterNode {
    const { victims } = this.#layout;
    return this.#cluster.nodes[victims[this.#random.next() % victims.length] as number] as ClusterNode;
  }
}
