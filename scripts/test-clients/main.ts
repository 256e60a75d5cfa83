import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// `npm run test:clients`: clients that people use, unmodified, each a process of its own, against a network on this machine
// with the real model. Nothing of the project is imported, here or there.

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../node/bin/blyan-node.js', import.meta.url));
/** Answers that the gateway gives at once: two that nobody reads fill it. */
const MAX_STREAMS = 2;
const HELD_MS = 3_000;
const IDLE_WITHIN_MS = 10_000;
const ANSWERED = ['list', 'chat', 'stream', 'json', 'tools', 'error', 'cancel'];

interface Client {
  readonly name: string;
  readonly file: string;
  readonly env?: Readonly<Record<string, string>>;
}
const CLIENTS: readonly Client[] = [
  { name: 'openai', file: 'openai.mjs' },
  { name: '@ai-sdk/openai', file: 'ai-sdk.mjs', env: { BLYAN_PROVIDER: 'openai' } },
  { name: '@ai-sdk/openai-compatible', file: 'ai-sdk.mjs' },
  { name: '@langchain/openai', file: 'langchain.mjs' },
  { name: '@anthropic-ai/sdk', file: 'anthropic.mjs' },
  { name: 'ollama', file: 'ollama.mjs' },
  { name: 'Open WebUI', file: 'shapes.mjs' },
  { name: 'continue.dev', file: 'shapes.mjs', env: { BLYAN_SHAPE: 'continue' } },
];

interface Line {
  readonly event?: 'streaming';
  readonly check?: string;
  readonly result?: 'ok' | 'left out' | 'failed';
  readonly why?: string;
}
interface Network {
  readonly url: string;
  readonly model: string;
  readonly gatewayPid: number;
  stop(): Promise<void>;
}

async function startNetwork(dir: string): Promise<Network> {
  const args = [
    'devnet',
    '--nodes',
    '2',
    '--json',
    '--gateway',
    '127.0.0.1:0',
    '--data-dir',
    dir,
    '--log-level',
    'error',
  ];
  await mkdir(join(dir, 'node-0'), { recursive: true });
  await writeFile(join(dir, 'node-0', 'config.toml'), `max-streams = ${MAX_STREAMS}\n`);
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const event = JSON.parse(line) as {
      event: string;
      gateway: string;
      peerId: string;
      nodes: { peerId: string; pid: number }[];
    };
    if (event.event !== 'ready') continue;
    const { data } = (await (await fetch(`${event.gateway}/v1/models`)).json()) as { data: { id: string }[] };
    const gatewayPid = event.nodes.find(({ peerId }) => peerId === event.peerId)?.pid as number;
    return { url: event.gateway, model: data[0]?.id as string, gatewayPid, stop: () => ended(child) };
  }
  throw new Error('the network did not start');
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'close');
}

function ask({ url, model }: Network, more: object, signal?: AbortSignal): Promise<Response> {
  const body = {
    model,
    messages: [{ role: 'user', content: 'What is a river?' }],
    temperature: 0,
    max_tokens: 24,
    ...more,
  };
  const headers = { 'content-type': 'application/json' };
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

/** Settles when no answer is being computed. */
async function idle({ url }: Network): Promise<void> {
  for (const deadline = Date.now() + IDLE_WITHIN_MS; ; await delay(50)) {
    const { nodes } = (await (await fetch(`${url}/api/v1/state`)).json()) as { nodes: { active: number }[] };
    if (nodes.every(({ active }) => active === 0)) return;
    if (Date.now() > deadline) throw new Error('an answer goes on that nobody hears');
  }
}

/** Runs checks with one client. `onStreaming` is called when it says that an answer is under way. */
async function runClient(
  { file, env }: Client,
  { url, model }: Network,
  text: string,
  checks: readonly string[],
  onStreaming: () => void = () => undefined,
): Promise<Line[]> {
  const more = { BLYAN_URL: url, BLYAN_MODEL: model, BLYAN_TEXT: text, BLYAN_CHECKS: checks.join() };
  const child = spawn(process.execPath, [join(HERE, file)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...more, ...env },
  });
  const lines: Line[] = [];
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const said = JSON.parse(line) as Line;
    if (said.event === 'streaming') onStreaming();
    else lines.push(said);
  }
  return checks.map(
    (check) =>
      lines.find((line) => line.check === check) ?? { check, result: 'failed', why: 'the client ended before' },
  );
}

/** All places are taken for a while, so that the client is told to come again. */
async function whileFull<T>(network: Network, then: () => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const held = Array.from({ length: MAX_STREAMS }, () =>
    ask(network, { stream: true, ignore_eos: true, max_tokens: 400 }, stop.signal),
  );
  await Promise.all(held);
  const refused = await ask(network, {});
  await refused.body?.cancel();
  if (refused.status !== 429) throw new Error(`the gateway is full, and answers ${refused.status}`);
  const leave = setTimeout(() => stop.abort(), HELD_MS);
  try {
    return await then();
  } finally {
    clearTimeout(leave);
    stop.abort();
    await idle(network);
  }
}

async function main(): Promise<void> {
  if (!existsSync(join(HERE, 'node_modules'))) {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: HERE, stdio: 'inherit' });
  }
  const dir = await mkdtemp(join(tmpdir(), 'blyan-clients-'));
  let network = await startNetwork(dir);
  let failed = 0;
  try {
    const answer = (await (await ask(network, {})).json()) as { choices: { message: { content: string } }[] };
    const text = answer.choices[0]?.message.content as string;
    for (const client of CLIENTS) {
      const lines = await runClient(client, network, text, ANSWERED);
      await idle(network);
      lines.push(...(await whileFull(network, () => runClient(client, network, text, ['retry']))));
      lines.push(
        ...(await runClient(client, network, text, ['broken'], () => process.kill(network.gatewayPid, 'SIGKILL'))),
      );
      await network.stop();
      network = await startNetwork(dir);
      for (const { check, result, why } of lines) {
        if (result === 'failed') failed++;
        process.stdout.write(`${client.name.padEnd(26)} ${check?.padEnd(7)} ${result}${why ? `: ${why}` : ''}\n`);
      }
    }
    process.stdout.write(`${JSON.stringify({ clients: CLIENTS.length, failed })}\n`);
    process.exitCode = failed > 0 ? 1 : 0;
  } finally {
    await network.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

await main();
