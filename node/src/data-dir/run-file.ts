import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from './atomic-file.ts';
import { identifyProcess, isRunning } from './process-identity.ts';

const runFileSchema = z.object({
  pid: z.number().int().positive(),
  startedAt: z.string().nullable(),
  gateway: z.string().nullable(),
  metrics: z.string().nullable(),
  peerId: z.string(),
  invite: z.string(),
  networkId: z.string(),
  /** What commands of the operator show the gateway. */
  operatorToken: z.string().optional(),
});

/** How other commands find the daemon of a data directory. */
export type RunFile = z.infer<typeof runFileSchema>;

const pathOf = (dataDir: string): string => join(dataDir, 'run', 'api.json');

/** Readable by its owner only: the invite may carry a join secret, and the token is the operator's. */
export async function writeRunFile(
  dataDir: string,
  pid: number,
  entry: Omit<RunFile, 'pid' | 'startedAt'>,
): Promise<void> {
  const { startedAt } = identifyProcess(pid);
  await writeFileAtomic(pathOf(dataDir), `${JSON.stringify({ ...entry, pid, startedAt })}\n`, 0o600);
}

/** What the running daemon of this folder wrote; null when none runs. */
export async function readRunFile(dataDir: string): Promise<RunFile | null> {
  const text = await readFile(pathOf(dataDir), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const entry = runFileSchema.parse(JSON.parse(text));
    return isRunning(entry) ? entry : null;
  } catch {
    return null;
  }
}

export async function removeRunFile(dataDir: string): Promise<void> {
  await rm(pathOf(dataDir), { force: true });
}
