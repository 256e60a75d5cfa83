import { isMainThread } from 'node:worker_threads';
import { NetworkCoordinator } from '@blyan/inference';

// Loaded into a daemon with --import: lets a benchmark ask the daemon's own coordinator over the IPC channel, without HTTP.
// The daemon itself is as it always is.

export interface DirectQuestion {
  readonly modelRoot: string;
  /** One answer each, all at the same time. */
  readonly prompts: readonly (readonly number[])[];
  readonly tokens: number;
}

/** When each token of each answer came, milliseconds from the question. */
export type DirectAnswers = readonly (readonly number[])[];

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
      (answers: DirectAnswers) => process.send?.(answers),
      (error: Error) => process.send?.({ error: error.message }),
    );
  });
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
