import type { EngineCore, ModelView, StepRequest, StepResult } from '../src/index.ts';
import { GREEDY, logitsOf } from './harness.ts';

/** A part of the layers on an engine, with the experts that this engine runs itself. */
export interface ChainStage {
  readonly engine: EngineCore;
  readonly firstLayer: number;
  readonly lastLayer: number;
  readonly isLocal?: (layer: number, expert: number) => boolean;
  readonly route?: string;
}

let next = 0;

/** One sequence through stages, each of which hands its hidden states to the next. */
export class Chain {
  readonly #model: ModelView;
  readonly #stages: readonly ChainStage[];
  readonly #id = `chain-${next++}`;
  position = 0;

  constructor(model: ModelView, stages: readonly ChainStage[], capacity = 160) {
    this.#model = model;
    this.#stages = stages;
    const { layerCount, expertCount } = model.spec;
    for (const [index, { engine, firstLayer, lastLayer, isLocal = () => true, route = '' }] of stages.entries()) {
      const localExperts = Uint8Array.from({ length: layerCount * expertCount }, (_, at) =>
        Number(isLocal(Math.floor(at / expertCount), at % expertCount)),
      );
      const sequence = this.#sequence(index);
      engine.open({ sequence, modelRoot: model.root, firstLayer, lastLayer, capacity, route, localExperts });
    }
  }

  /** Hidden states [rows, hidden] of the last layer. */
  async hidden(tokens: readonly number[]): Promise<Float32Array> {
    return (await this.#push(tokens, { output: 'all' })).hidden as Float32Array;
  }

  /** Logits of the last of these tokens. */
  async logits(tokens: readonly number[]): Promise<Float32Array> {
    return logitsOf((await this.#push(tokens, { output: 'sample', sample: GREEDY })).tokens?.[0]?.logits);
  }

  close(): void {
    for (const [index, { engine }] of this.#stages.entries()) engine.close({ sequence: this.#sequence(index) });
  }

  async #push(tokens: readonly number[], end: Pick<StepRequest, 'output' | 'sample'>): Promise<StepResult> {
    const { position } = this;
    this.position += tokens.length;
    let input: StepRequest['input'] = Uint32Array.from(tokens);
    for (const [index, { engine }] of this.#stages.entries()) {
      const last = index === this.#stages.length - 1;
      const step = { sequence: this.#sequence(index), position, input };
      const result = await engine.step(last ? { ...step, ...end } : { ...step, output: 'all' });
      if (last) return result;
      input = result.hidden as Float32Array<ArrayBuffer>;
    }
    throw new Error(`a chain of ${this.#model.root} needs a stage`);
  }

  #sequence(index: number): string {
    return `${this.#id}/${index}`;
  }
}

/** All layers and experts on one engine. */
export function whole(engine: EngineCore, { spec }: ModelView): ChainStage[] {
  return [{ engine, firstLayer: 0, lastLayer: spec.layerCount - 1 }];
}
