import { isMainThread } from 'node:worker_threads';
import { NetworkCoordinator } from '@blyan/inference';

// Loaded into a daemon with --import: lets a benchmark ask the daemon's own coordinator over the IPC channel, without HTTP.
// The daemon itself is as it always is.

export interface DirectQuestion {
  readonly modelRoot: string;
  /** One answer each, all at the same time; none only asks for the processor time. */
  readonly prompts: readonly (readonly number[])[];
  readonly tokens: number;
}

export interface DirectAnswers {
  /** When each token of each answer came, milliseconds from the question. */
  readonly arrivals: readonly (readonly number[])[];
  /** Of the daemon's process until now, all threads. */
  readonly processorMs: number;
}

let coordinator: NetworkCoordinator | undefined;
const { models } = NetworkCoordinator.prototype;
// The gateway asks for the models before anything else.
NetworkCoordinator.prototype.models = function (this: NetworkCoordinator) {
  coordinator = this;
  return models.call(this);
};

if (isMainThread && process.send) {
  process.on('message', (text: string) => {
    const { prompts, ...rest } = JSON.parse(text) as DirectQuestion;
    void Promise.all(prompts.map((prompt, index) => arrivalsOf({ ...rest, prompt, index }))).then(
      (arrivals) => process.send?.({ arrivals, processorMs: processorMs() } satisfies DirectAnswers),
      (error: Error) => process.send?.({ error: error.message }),
    );
  });
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface One extends Omit<DirectQuestion, 'prompts'> {
  readonly prompt: readonly number[];
  readonly index: number;
}

async function arrivalsOf({ modelRoot, prompt, tokens, index }: One): Promise<number[]> {
  if (coordinator === undefined) throw new Error('nobody has asked the daemon for its models yet');
  const request = {
    ...{ modelRoot, promptTokens: prompt, maxTokens: tokens, ignoreEos: true },
    requestId: Buffer.from(`${index}-${performance.now()}`.padEnd(16, '0').slice(0, 16)).toString('hex'),
    ...{ plan: 'local' as const, speculation: 'off' as const },
    sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
  };
  const began = performance.now();
  const arrivals: number[] = [];
  for await (const event of coordinator.generate(request, new AbortController().signal)) {
    if (event.type === 'token') arrivals.push(performance.now() - began);
  }
  return arrivals;
}
