import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '@blyan/model';
import { type RandomTensor, randomTensors } from './random-tensors.ts';
import { randomTokenizerFiles } from './random-tokenizer.ts';
import { Random32, type RandomDType, randomFiller } from './random-values.ts';

/** Sizes of a random model; what is left out is small (about 0.4 M parameters). */
export interface RandomModelSizes {
  readonly architecture: Architecture;
  readonly hiddenSize?: number;
  readonly layerCount?: number;
  readonly headCount?: number;
  readonly kvHeadCount?: number;
  /** Any even number. */
  readonly headDim?: number;
  /** At least 260: the tokeniser has the 256 bytes and four special tokens. */
  readonly vocabSize?: number;
  readonly expertCount?: number;
  readonly expertsPerToken?: number;
  readonly expertFfnSize?: number;
  /** qwen2_moe only. */
  readonly sharedExpertFfnSize?: number;
  readonly normTopkProb?: boolean;
  readonly tieEmbeddings?: boolean;
  /** olmoe only. */
  readonly clipQkv?: number | null;
  readonly contextLength?: number;
  readonly ropeTheta?: number;
  readonly rmsNormEps?: number;
  /** Scales what layers add to the hidden state. Near 0 the next token depends on the last one only, and greedy text goes round. */
  readonly residualGain?: number;
}

export interface RandomCheckpointOptions extends RandomModelSizes {
  /** Created when missing. */
  readonly dir: string;
  readonly seed?: number;
  readonly dtype?: RandomDType;
  /** More than one: numbered files with an index. */
  readonly shards?: number;
  /** Fields to add to, or change in, config.json. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The model of the benchmarks: a random Qwen3-MoE of 440 M parameters, 80 M of them active per token. */
export const BENCH_MODEL: RandomModelSizes = {
  architecture: 'qwen3_moe',
  hiddenSize: 1_024,
  layerCount: 8,
  headCount: 16,
  kvHeadCount: 4,
  headDim: 64,
  vocabSize: 8_192,
  expertCount: 32,
  expertsPerToken: 4,
  expertFfnSize: 512,
  normTopkProb: true,
};

const DEFAULTS = {
  hiddenSize: 64,
  layerCount: 2,
  headCount: 4,
  kvHeadCount: 2,
  headDim: 16,
  vocabSize: 300,
  expertCount: 8,
  expertsPerToken: 2,
  expertFfnSize: 96,
  sharedExpertFfnSize: 80,
  normTopkProb: false,
  tieEmbeddings: false,
  clipQkv: null,
  contextLength: 4_096,
  ropeTheta: 10_000,
  rmsNormEps: 1e-6,
  residualGain: 1,
};
const CAUSAL_LM: Record<Architecture, string> = {
  mixtral: 'MixtralForCausalLM',
  qwen2_moe: 'Qwen2MoeForCausalLM',
  qwen3_moe: 'Qwen3MoeForCausalLM',
  olmoe: 'OlmoeForCausalLM',
};
const CHUNK_ELEMENTS = 1 << 21;
const ELEMENT_BYTES: Record<RandomDType, 2 | 4> = { bf16: 2, f16: 2, f32: 4 };

function configJson(sizes: Required<RandomModelSizes>, dtype: RandomDType): Record<string, unknown> {
  const { architecture } = sizes;
  const qwen = architecture.startsWith('qwen');
  return {
    architectures: [CAUSAL_LM[architecture]],
    model_type: architecture,
    vocab_size: sizes.vocabSize,
    hidden_size: sizes.hiddenSize,
    num_hidden_layers: sizes.layerCount,
    num_attention_heads: sizes.headCount,
    num_key_value_heads: sizes.kvHeadCount,
    head_dim: sizes.headDim,
    [architecture === 'mixtral' ? 'num_local_experts' : 'num_experts']: sizes.expertCount,
    num_experts_per_tok: sizes.expertsPerToken,
    intermediate_size: sizes.expertFfnSize,
    ...(qwen ? { moe_intermediate_size: sizes.expertFfnSize, decoder_sparse_step: 1, mlp_only_layers: [] } : {}),
    ...(architecture === 'qwen2_moe' ? { shared_expert_intermediate_size: sizes.sharedExpertFfnSize } : {}),
    ...(architecture === 'mixtral' ? {} : { norm_topk_prob: sizes.normTopkProb }),
    ...(architecture === 'olmoe' ? { clip_qkv: sizes.clipQkv } : {}),
    hidden_act: 'silu',
    max_position_embeddings: sizes.contextLength,
    rms_norm_eps: sizes.rmsNormEps,
    rope_theta: sizes.ropeTheta,
    tie_word_embeddings: sizes.tieEmbeddings,
    sliding_window: null,
    bos_token_id: null,
    eos_token_id: 1,
    torch_dtype: { bf16: 'bfloat16', f16: 'float16', f32: 'float32' }[dtype],
  };
}

async function writeShard(path: string, tensors: RandomTensor[], dtype: RandomDType, random: Random32): Promise<void> {
  const elements = (tensor: RandomTensor) => tensor.shape.reduce((a, b) => a * b, 1);
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + elements(tensor) * ELEMENT_BYTES[dtype];
    header[tensor.name] = { dtype: dtype.toUpperCase(), shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, 0x20);
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const file = await open(path, 'w');
  try {
    await file.writev([length, padded]);
    const chunk = dtype === 'f32' ? new Uint32Array(CHUNK_ELEMENTS) : new Uint16Array(CHUNK_ELEMENTS);
    for (const tensor of tensors) {
      const fill = randomFiller(random, dtype, tensor.mean, tensor.deviation);
      for (let left = elements(tensor); left > 0; left -= CHUNK_ELEMENTS) {
        const part = chunk.subarray(0, Math.min(left, CHUNK_ELEMENTS));
        fill(part);
        await file.write(new Uint8Array(part.buffer, 0, part.byteLength));
      }
    }
  } finally {
    await file.close();
  }
}

/**
 * Writes a Hugging Face checkpoint with random weights, streaming: config.json, generation_config.json, a byte-level
 * tokeniser with a ChatML template, and the weights. The same options give the same bytes.
 */
export async function writeRandomCheckpoint(options: RandomCheckpointOptions): Promise<void> {
  const sizes: Required<RandomModelSizes> = { ...DEFAULTS, ...options };
  const { dir, seed = 1, dtype = 'bf16', shards = 1 } = options;
  await mkdir(dir, { recursive: true });
  const config = { ...configJson(sizes, dtype), ...options.config };
  await writeFile(join(dir, 'config.json'), JSON.stringify(config, null, 1));
  await writeFile(join(dir, 'generation_config.json'), JSON.stringify({ eos_token_id: 1, do_sample: false }));
  for (const [file, text] of Object.entries(randomTokenizerFiles(sizes.vocabSize))) {
    await writeFile(join(dir, file), text);
  }
  const tensors = randomTensors(sizes);
  const random = new Random32(seed);
  if (shards === 1) return writeShard(join(dir, 'model.safetensors'), tensors, dtype, random);
  const weightMap: Record<string, string> = {};
  const number = (value: number) => String(value).padStart(5, '0');
  for (let shard = 0; shard < shards; shard++) {
    const file = `model-${number(shard + 1)}-of-${number(shards)}.safetensors`;
    const [from, to] = [shard, shard + 1].map((n) => Math.floor((n * tensors.length) / shards));
    const part = tensors.slice(from, to);
    for (const { name } of part) weightMap[name] = file;
    await writeShard(join(dir, file), part, dtype, random);
  }
  const index = { metadata: {}, weight_map: weightMap };
  await writeFile(join(dir, 'model.safetensors.index.json'), JSON.stringify(index));
}
