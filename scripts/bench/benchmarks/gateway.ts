import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { measureSync } from '../limits/sync-ms.ts';
import { importedBenchModel, promptTokens } from '../model/bench-model.ts';
import { GENESIS_QUESTIONS, importedGenesisModel } from '../model/genesis-model.ts';
import type { DirectAnswers, DirectQuestion } from '../network/coordinator-probe.ts';
import { Daemon } from '../network/daemon.ts';
import { forgetNetwork } from '../network/local-network.ts';
import { overlappingSpeed } from '../network/overlapping-speed.ts';
import { median, percentile, rangeOf } from '../stats.ts';

const STREAMS = 8;
const PROMPT_TOKENS = 16;
const SMALLEST_VOCABULARY = 300;
/** Longest that the gateway may add to the time to the first byte. */
const GOAL_FIRST_MS = 5;
/** Share of the coordinator's tokens a second that has to reach the clients. */
const GOAL_SHARE = 0.97;
const SYNCS = 100;
/** Questions before any is timed: code that was not compiled yet is no part of a gateway that runs. */
const WARM_UP = 100;
const TOKEN = '"token_id"';
const PROBE = new URL('../network/coordinator-probe.ts', import.meta.url).href;

export const gateway: Benchmark = {
  name: 'gateway',
  about: `What the gateway costs, on one real daemon (plan local, one thread, no speculation). Tokens per second of ${STREAMS} answers at once,
streamed to a client in a process of its own, against the same asked of the coordinator inside the daemon, and the processor time that the
daemon takes for a token; in turn, the median of the pairs.
To the first byte: what a client waits for a question of a chat, less what the coordinator says of the first token of the same answer;
template, tokens, the reservation in the ledger (a sync of the disk) and HTTP are in it.`,
  async run(run) {
    await measure('genesis', { ...(await importedGenesisModel(run)), tokens: 256 }, run);
    if (run.quick) return;
    await measure('bench-i8', { ...(await importedBenchModel(run, 'i8')), tokens: 96 }, run);
  },
};

interface Served {
  readonly dataDir: string;
  readonly manifest: { readonly root: string };
  /** Of an answer. */
  readonly tokens: number;
}

interface Round {
  /** Tokens per second. */
  readonly speed: number;
  /** Processor time of the daemon. */
  readonly usPerToken: number;
}

async function measure(name: string, { dataDir, manifest, tokens }: Served, run: BenchRun): Promise<void> {
  const { quick, report, signal, say } = run;
  const modelRoot = manifest.root;
  const args = ['start', '--data-dir', dataDir, '--model', modelRoot, '--host', 'all', '--no-mdns', '--threads', '1'];
  args.push('--listen', '/ip4/127.0.0.1/tcp/0', '--gateway', '127.0.0.1:0', '--metrics', 'off');
  await forgetNetwork(dataDir);
  say(`${name}: starting a daemon`);
  await using daemon = await Daemon.start(args, signal, { NODE_OPTIONS: `--import=${PROBE}` });
  const { gateway } = daemon.ready;
  let seed = 0;
  const prompts = () => Array.from({ length: STREAMS }, () => promptTokens(PROMPT_TOKENS, SMALLEST_VOCABULARY, ++seed));
  const askProbe = async (asked: DirectQuestion['prompts']) => {
    const question: DirectQuestion = { modelRoot, prompts: asked, tokens };
    const answers = await daemon.ask<DirectAnswers | { error: string }>(JSON.stringify(question));
    if ('error' in answers) throw new Error(answers.error);
    return answers;
  };
  const timed = async (arrivalsOf: () => Promise<DirectAnswers['arrivals']>): Promise<Round> => {
    const { processorMs: before } = await askProbe([]);
    const arrivals = await arrivalsOf();
    const { processorMs: after } = await askProbe([]);
    return { speed: overlappingSpeed(arrivals), usPerToken: ((after - before) * 1000) / (STREAMS * tokens) };
  };
  const throughGateway = () =>
    timed(() =>
      Promise.all(
        prompts().map((prompt) => streamedArrivals(gateway, { model: modelRoot, prompt, max_tokens: tokens })),
      ),
    );
  const direct = () => timed(async () => (await askProbe(prompts())).arrivals);
  const rounds = quick ? 5 : 9;
  for (let round = 0; round < 2; round++) for (const ask of [throughGateway, direct]) await ask();
  const pairs: { readonly http: Round; readonly alone: Round }[] = [];
  for (let round = 0; round < rounds; round++) {
    // Whoever goes first is not always the same.
    const first = round % 2 === 0 ? await throughGateway() : await direct();
    const second = round % 2 === 0 ? await direct() : await throughGateway();
    pairs.push(round % 2 === 0 ? { http: first, alone: second } : { http: second, alone: first });
  }
  const ratios = pairs.map(({ http, alone }) => http.speed / alone.speed);
  const ratio = median(ratios);
  const alone = median(pairs.map((pair) => pair.alone.speed));
  report(
    figure(`gateway.${name}.${STREAMS}-streams`, ratio * alone, 'tokens/s', {
      limit: alone,
      against: 'the coordinator asked directly',
      goal: { ratioAtLeast: GOAL_SHARE },
      note: `ratios of ${rounds} pairs ${rangeOf(ratios)
        .map((one) => one.toFixed(3))
        .join(' to ')}`,
    }),
  );
  // Depends little on what else runs.
  const usPerToken = median(pairs.map(({ http }) => http.usPerToken));
  report(
    figure(`gateway.${name}.processor-per-token`, usPerToken, 'us', {
      limit: median(pairs.map((pair) => pair.alone.usPerToken)),
      against: 'the coordinator asked directly',
      note: `of the daemon, all threads; pairs differ by ${median(
        pairs.map(({ http, alone: { usPerToken: without } }) => http.usPerToken - without),
      ).toFixed(0)} us`,
    }),
  );
  const overheads = await firstBytes(gateway, modelRoot, quick ? 100 : 300);
  const syncs = Array.from({ length: SYNCS }, () => measureSync(run.workDir));
  await rm(join(run.workDir, 'sync'));
  const [usual, slow] = [0.5, 0.95].map((share) => percentile(syncs, share).toFixed(2));
  report(
    figure(`gateway.${name}.first-byte-p95`, percentile(overheads, 0.95), 'ms', {
      goal: { below: GOAL_FIRST_MS },
      range: rangeOf(overheads),
      note: `median ${median(overheads).toFixed(2)} ms of ${overheads.length} questions; a sync of this disk: median ${usual}, p95 ${slow} ms`,
    }),
  );
}

/** When each token came to a client that does nothing but count them: what reading costs is not the gateway's. */
async function streamedArrivals(gateway: string, body: object): Promise<number[]> {
  const blyan = { plan: 'local', speculation: 'off', return_token_ids: true };
  const text = JSON.stringify({ ...body, temperature: 0, ignore_eos: true, stream: true, blyan });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const sent = request(`${gateway}/v1/completions`, { method: 'POST', headers }).end(text);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const arrivals: number[] = [];
  let rest = '';
  for await (const part of response) {
    const now = performance.now();
    const pieces = (rest + (part as Buffer).toString('latin1')).split(TOKEN);
    for (const _ of pieces.slice(1)) arrivals.push(now);
    // The name may be cut by the border of two parts.
    rest = (pieces.at(-1) as string).slice(1 - TOKEN.length);
  }
  if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}`);
  return arrivals;
}

/**
 * What a client waited for the first byte of an answer beyond what the coordinator took for its first token, of one question after the
 * other, milliseconds. The client does nothing but that, over a connection that is open.
 */
async function firstBytes(gateway: string, model: string, count: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const ask = async (index: number) => {
    const blyan = { plan: 'local', speculation: 'off' };
    const messages = [{ role: 'user', content: GENESIS_QUESTIONS[index % GENESIS_QUESTIONS.length] }];
    const text = JSON.stringify({ model, messages, max_tokens: 2, temperature: 0, stream: true, blyan });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const asked = performance.now();
    const sent = request(`${gateway}/v1/chat/completions`, { method: 'POST', headers, agent }).end(text);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let firstMs = 0;
    let all = '';
    for await (const part of response) {
      firstMs ||= performance.now() - asked;
      all += (part as Buffer).toString();
    }
    const measured = /"measured":\{"msToFirstToken":([\d.]+)/.exec(all);
    if (measured === null) throw new Error(`HTTP ${response.statusCode}: ${all.slice(0, 500)}`);
    return firstMs - Number(measured[1]);
  };
  try {
    for (let index = 0; index < WARM_UP; index++) await ask(index);
    const overheads: number[] = [];
    for (let index = 0; index < count; index++) overheads.push(await ask(index));
    return overheads;
  } finally {
    agent.destroy();
  }
}
