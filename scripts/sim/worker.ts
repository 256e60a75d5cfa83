import { parentPort, workerData } from 'node:worker_threads';
import { PLANTS, runSeed } from '@blyan/testkit/sim';

// Runs the seeds it is sent, one after the other, and answers each with its result.
const { plant: name } = workerData as { plant: string | undefined };
const plant = name === undefined ? undefined : PLANTS[name];
parentPort?.on('message', async (seed: number) => {
  parentPort?.postMessage(await runSeed({ seed, ...(plant && { plant }) }));
});
