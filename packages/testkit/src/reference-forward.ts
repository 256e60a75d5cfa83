import { addInto, multiply, rmsNorm, rotate, silu, softmax } from './reference-math.ts';
import { type ReferenceModel, weight } from './reference-weights.ts';

/** Keys and values of one layer: one entry per position, kvHeadCount * headDim long. */
interface LayerCache {
  readonly keys: Float64Array[];
  readonly values: Float64Array[];
}

interface Choice {
  readonly expert: number;
  readonly weight: number;
}

const clamp = (x: Float64Array, limit: number | null): Float64Array =>
  limit === null ? x : x.map((value) => Math.max(-limit, Math.min(limit, value)));

/**
 * A slow forward pass of the four architectures, one position at a time with sums in f64, written from the model
 * definitions and sharing no code with the engine: the oracle of its tests.
 */
export class ReferenceSession {
  readonly #model: ReferenceModel;
  readonly #caches: LayerCache[];
  /** Smallest difference seen between the logits of the last chosen and the first rejected expert. */
  minRouterGap = Number.POSITIVE_INFINITY;

  constructor(model: ReferenceModel) {
    this.#model = model;
    this.#caches = Array.from({ length: model.spec.layerCount }, () => ({ keys: [], values: [] }));
  }

  /** Positions computed so far. */
  get length(): number {
    return this.#caches[0]?.keys.length ?? 0;
  }

  /** Appends a token and returns the logits of its position, vocabSize long. */
  push(token: number): Float64Array {
    const { spec } = this.#model;
    const embedding = weight(this.#model, 'model.embed_tokens.weight');
    const x = Float64Array.from(embedding.subarray(token * spec.hiddenSize, (token + 1) * spec.hiddenSize));
    for (let layer = 0; layer < spec.layerCount; layer++) {
      const at = (name: string) => weight(this.#model, `model.layers.${layer}.${name}`);
      addInto(x, this.#attention(layer, rmsNorm(x, at('input_layernorm.weight'), spec.rmsNormEps), at));
      addInto(x, this.#experts(rmsNorm(x, at('post_attention_layernorm.weight'), spec.rmsNormEps), at));
    }
    const last = rmsNorm(x, weight(this.#model, 'model.norm.weight'), spec.rmsNormEps);
    return multiply(spec.tieEmbeddings ? embedding : weight(this.#model, 'lm_head.weight'), last);
  }

  #attention(layer: number, x: Float64Array, at: (name: string) => Float32Array): Float64Array {
    const { spec } = this.#model;
    const { headCount, kvHeadCount, headDim, clipQkv } = spec;
    const project = (name: 'q' | 'k' | 'v'): Float64Array => {
      const y = multiply(at(`self_attn.${name}_proj.weight`), x);
      if (spec.attentionBias) addInto(y, Float64Array.from(at(`self_attn.${name}_proj.bias`)));
      if (name === 'v' || spec.qkNorm === 'none') return clamp(y, clipQkv);
      const gain = at(`self_attn.${name}_norm.weight`);
      if (spec.qkNorm === 'full') return clamp(rmsNorm(y, gain, spec.rmsNormEps), clipQkv);
      return clamp(
        mapHeads(y, headDim, (head) => rmsNorm(head, gain, spec.rmsNormEps)),
        clipQkv,
      );
    };
    const { keys, values } = this.#caches[layer] as LayerCache;
    const position = keys.length;
    const turned = (y: Float64Array) =>
      mapHeads(y, headDim, (head) => {
        rotate(head, position, spec.ropeTheta);
        return head;
      });
    const q = turned(project('q'));
    keys.push(turned(project('k')));
    values.push(project('v'));
    const out = new Float64Array(headCount * headDim);
    for (let head = 0; head < headCount; head++) {
      const query = q.subarray(head * headDim, (head + 1) * headDim);
      const kv = Math.floor(head / (headCount / kvHeadCount)) * headDim;
      const scores = Float64Array.from(keys, (key) => {
        let dot = 0;
        for (let i = 0; i < headDim; i++) dot += (query[i] as number) * (key[kv + i] as number);
        return dot / Math.sqrt(headDim);
      });
      const target = out.subarray(head * headDim, (head + 1) * headDim);
      softmax(scores).forEach((probability, t) => {
        addInto(target, (values[t] as Float64Array).subarray(kv, kv + headDim), probability);
      });
    }
    return multiply(at('self_attn.o_proj.weight'), out);
  }

  #experts(x: Float64Array, at: (name: string) => Float32Array): Float64Array {
    const { spec } = this.#model;
    const mixtral = spec.architecture === 'mixtral';
    const prefix = mixtral ? 'block_sparse_moe' : 'mlp';
    const [gate, up, down] = mixtral ? ['w1', 'w3', 'w2'] : ['gate_proj', 'up_proj', 'down_proj'];
    const out = new Float64Array(x.length);
    for (const { expert, weight: share } of this.#route(multiply(at(`${prefix}.gate.weight`), x))) {
      const of = (name: string | undefined) => at(`${prefix}.experts.${expert}.${name}.weight`);
      addInto(out, feedForward(x, of(gate), of(up), of(down)), share);
    }
    if (spec.sharedExpertFfnSize > 0) {
      const of = (name: string) => at(`mlp.shared_expert.${name}.weight`);
      const [opening] = multiply(at('mlp.shared_expert_gate.weight'), x);
      const share = 1 / (1 + Math.exp(-(opening as number)));
      addInto(out, feedForward(x, of('gate_proj'), of('up_proj'), of('down_proj')), share);
    }
    return out;
  }

  #route(logits: Float64Array): Choice[] {
    const { expertsPerToken, normTopkProb } = this.#model.spec;
    const order = [...logits.keys()].sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b);
    const probabilities = softmax(logits);
    const chosen = order.slice(0, expertsPerToken);
    const rejected = order[expertsPerToken];
    if (rejected !== undefined) {
      const gap = (logits[chosen.at(-1) as number] as number) - (logits[rejected] as number);
      this.minRouterGap = Math.min(this.minRouterGap, gap);
    }
    const total = normTopkProb ? chosen.reduce((sum, expert) => sum + (probabilities[expert] as number), 0) : 1;
    return chosen.map((expert) => ({ expert, weight: (probabilities[expert] as number) / total }));
  }
}

function mapHeads(x: Float64Array, headDim: number, change: (head: Float64Array) => Float64Array): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < x.length; i += headDim) out.set(change(x.slice(i, i + headDim)), i);
  return out;
}

function feedForward(x: Float64Array, gate: Float32Array, up: Float32Array, down: Float32Array): Float64Array {
  const raised = multiply(up, x);
  return multiply(
    down,
    multiply(gate, x).map((value, i) => silu(value) * (raised[i] as number)),
  );
}

/** The f32 logits of every position, each vocabSize long. */
export function referenceForward(model: ReferenceModel, tokens: readonly number[]): Float32Array[] {
  const session = new ReferenceSession(model);
  return tokens.map((token) => Float32Array.from(session.push(token)));
}

export interface ReferenceGreedy {
  readonly tokens: number[];
  /** Smallest lead of a drawn token over the runner-up: below about 1e-3 a correct f32 engine may differ. */
  readonly minMargin: number;
  readonly minRouterGap: number;
}

/** `count` greedy tokens after the prompt, end tokens ignored; ties go to the lower id. */
export function referenceGreedy(model: ReferenceModel, prompt: readonly number[], count: number): ReferenceGreedy {
  const session = new ReferenceSession(model);
  let logits = new Float64Array();
  for (const token of prompt) logits = session.push(token) as Float64Array<ArrayBuffer>;
  const tokens: number[] = [];
  let minMargin = Number.POSITIVE_INFINITY;
  for (;;) {
    const best = logits.reduce((top, value, i) => (value > (logits[top] as number) ? i : top), 0);
    const second = logits.reduce(
      (top, value, i) => (i === best ? top : Math.max(top, value)),
      Number.NEGATIVE_INFINITY,
    );
    minMargin = Math.min(minMargin, (logits[best] as number) - second);
    tokens.push(best);
    if (tokens.length === count) return { tokens, minMargin, minRouterGap: session.minRouterGap };
    logits = session.push(best) as Float64Array<ArrayBuffer>;
  }
}
