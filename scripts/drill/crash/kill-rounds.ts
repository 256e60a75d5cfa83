import { setTimeout as delay } from 'node:timers/promises';
import { type ChainProcesses, ValidatorProcess } from '@blyan/testkit';
import { checkStore } from './check.ts';

/** Transfers come in batches while the victim is killed, so that it has something to commit. */
const BATCHES = 12;
const BATCH = 16;
/** A kill comes so long after a block of the round at most, or, when it is an early one, after the start of the process. */
const MAX_RUN_MS = 400;
const MAX_START_MS = 600;

/** Kills validators one after the other while transfers come in, and looks at what each left behind. */
export class KillRounds {
  /** Blocks that the killed had said are final. */
  acknowledged = 0;
  /** Kills before the validator was ready. */
  whileStarting = 0;
  height = 0;
  readonly #network: ChainProcesses;
  readonly #random: () => number;
  readonly #wrong: (problem: string) => void;
  readonly #checked: number[];
  /** Transfers that need not be final yet: whoever took them may have been killed before anybody else had them. */
  #open: Uint8Array[] = [];
  #records = 0;

  constructor(network: ChainProcesses, seed: number, wrong: (problem: string) => void) {
    this.#network = network;
    this.#random = randomOf(seed);
    this.#wrong = wrong;
    this.#checked = network.nodes.map(() => 0);
  }

  /** @param early - kills it a second time, before it has started */
  async kill(early: boolean): Promise<void> {
    const { nodes } = this.#network;
    const index = Math.floor(this.#random() * nodes.length);
    const victim = nodes[index] as ValidatorProcess;
    const before = victim.last?.height ?? 0;
    const fed = this.#feed(nodes.filter((node) => node !== victim));
    await victim.until(({ height }) => height > before);
    await delay(this.#random() * MAX_RUN_MS);
    await victim.kill();
    await fed;
    const last = victim.last ?? { height: 0, hash: '' };
    this.acknowledged += Math.max(0, last.height - before);
    await this.#check(index, last);
    if (early) {
      const starting = new ValidatorProcess(this.#network.setup(index));
      const started = starting.ready().then(
        () => true,
        () => false,
      );
      await delay(this.#random() * MAX_START_MS);
      await starting.kill();
      if (!(await started)) this.whileStarting++;
      await this.#check(index, starting.last ?? last);
    }
    await this.#network.restart(index);
    for (const [i, node] of nodes.entries()) {
      const { evidence, failure } = await node.report();
      if (evidence > 0) this.#wrong(`validator ${i} has evidence that somebody voted twice`);
      if (failure !== null) this.#wrong(`validator ${i} has stopped: ${failure}`);
    }
  }

  /** Settles when every transfer is final everywhere, and nothing else is. */
  async settle(): Promise<{ height: number; records: number }> {
    const { nodes } = this.#network;
    for (const node of nodes) await node.submit(this.#open);
    const heads = await Promise.all(nodes.map((node) => node.until(({ records }) => records >= this.#records)));
    for (const [i, { records }] of heads.entries()) {
      if (records !== this.#records) this.#wrong(`validator ${i} has ${records} records of ${this.#records}`);
    }
    return { height: Math.max(...heads.map(({ height }) => height)), records: this.#records };
  }

  /** What was given the round before, and may be lost with who took it, is given again, in its order. */
  async #feed(takers: readonly ValidatorProcess[]): Promise<void> {
    const again = this.#open;
    this.#open = [];
    for (const node of takers) await node.submit(again);
    for (let batch = 0; batch < BATCHES; batch++) {
      const fresh = this.#network.transfers(BATCH);
      this.#records += BATCH;
      this.#open.push(...fresh);
      await takers[batch % takers.length]?.submit(fresh);
    }
  }

  async #check(index: number, said: { height: number; hash: string }): Promise<void> {
    const { dir } = this.#network.setup(index);
    const { height, problems } = await checkStore(dir, said, this.#checked[index] as number);
    this.#checked[index] = height;
    this.height = Math.max(this.height, height);
    for (const problem of problems) this.#wrong(`validator ${index}: ${problem}`);
  }
}

/** From 0 to 1; a linear congruential generator (Numerical Recipes). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
