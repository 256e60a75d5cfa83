import { execFile } from 'node:child_process';
import { access, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ImportDType } from '@blyan/model';
import type { BenchRun } from '../benchmark.ts';
import { benchCheckpoint, benchName } from '../model/bench-model.ts';

const run = promisify(execFile);
/** Where the two programs may lie: with node-llama-cpp, or beside the repository. */
const BESIDE = fileURLToPath(new URL('../../../../shared/tools', import.meta.url));
const GGUF_TYPES: Partial<Record<ImportDType, string>> = { f32: 'f32', i8: 'q8_0' };
const ROUNDS = 3;
const DECODE_TOKENS = 64;

export interface PeerLoad {
  readonly threads: number;
  /** Lengths of the prompts whose prefill is measured. */
  readonly prefill: readonly number[];
  /** Tokens before those whose decode is measured. */
  readonly decodeFrom: number;
}

export interface PeerSpeed {
  /** Tokens per second. */
  readonly decode: number;
  /** Of each prompt. */
  readonly prefill: readonly number[];
  readonly format: string;
}

/**
 * llama.cpp on the same weights, through node-llama-cpp in a folder outside the project and the programs `to-gguf.mjs` (checkpoint to
 * GGUF) and `llama-peer.mjs` (one line of JSON with its speeds).
 */
export class LlamaPeer {
  readonly #run: BenchRun;
  readonly #dir: string;
  readonly #tools: string;

  private constructor(benchRun: BenchRun, dir: string, tools: string) {
    this.#run = benchRun;
    this.#dir = dir;
    this.#tools = tools;
  }

  /** Null when it is not installed. */
  static async open(benchRun: BenchRun): Promise<LlamaPeer | null> {
    const { llamaDir, say } = benchRun;
    if (llamaDir === null) {
      say('no comparison with llama.cpp: install node-llama-cpp in a folder and name it with --llama');
      return null;
    }
    if (!(await exists(join(llamaDir, 'node_modules', 'node-llama-cpp')))) {
      throw new Error(`${llamaDir} has no node-llama-cpp; run \`npm i node-llama-cpp@3.22.1\` there.`);
    }
    for (const tools of [llamaDir, BESIDE]) {
      if (await exists(join(tools, 'llama-peer.mjs'))) return new LlamaPeer(benchRun, llamaDir, tools);
    }
    throw new Error(`Neither ${llamaDir} nor ${BESIDE} has llama-peer.mjs and to-gguf.mjs.`);
  }

  /** The best of three runs of each; null where llama.cpp has no such format. */
  async measure(dtype: ImportDType, load: PeerLoad): Promise<PeerSpeed | null> {
    const format = GGUF_TYPES[dtype];
    if (format === undefined) return null;
    const model = await this.#gguf(format);
    this.#run.say(`llama.cpp ${format}, ${load.threads} threads`);
    let decode = 0;
    const prefill = load.prefill.map(() => 0);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, length] of load.prefill.entries()) {
        const { prefillTokensPerSecond } = await this.#speeds(model, load.threads, length);
        prefill[index] = Math.max(prefill[index] as number, prefillTokensPerSecond);
      }
      decode = Math.max(decode, (await this.#speeds(model, load.threads, load.decodeFrom)).decodeTokensPerSecond);
    }
    return { decode, prefill, format };
  }

  async #speeds(model: string, threads: number, promptTokens: number) {
    const args = ['--threads', threads, '--prompt-tokens', promptTokens, '--tokens', DECODE_TOKENS].map(String);
    const { stdout } = await run(process.execPath, [join(this.#tools, 'llama-peer.mjs'), model, ...args], {
      cwd: this.#dir,
      signal: this.#run.signal,
    });
    const line = stdout.trim().split('\n').at(-1) ?? '';
    return JSON.parse(line) as { prefillTokensPerSecond: number; decodeTokensPerSecond: number };
  }

  async #gguf(format: string): Promise<string> {
    const folder = join(this.#run.workDir, 'gguf');
    const file = join(folder, `${benchName(this.#run.quick)}.${format}.gguf`);
    if (await exists(file)) return file;
    await mkdir(folder, { recursive: true });
    const checkpoint = await benchCheckpoint(this.#run);
    this.#run.say(`writing ${file}`);
    await run(process.execPath, [join(this.#tools, 'to-gguf.mjs'), checkpoint, `${file}.part`, format], {
      signal: this.#run.signal,
    });
    await rename(`${file}.part`, file);
    return file;
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
