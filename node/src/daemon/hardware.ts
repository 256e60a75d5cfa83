import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { MODEL_PROFILE } from '@blyan/model';
import { cpuLevelOf, type Hardware, hardwareOf, NVIDIA_SMI_ARGS, parseNvidiaSmi, tierOf } from '@blyan/routing';

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 5_000;
const CPU_ONLY: Hardware = { cpuOnly: true } as Hardware;

/** The tier of this machine: of its best GPU, or 0. */
export async function probeTier(): Promise<number> {
  try {
    const { stdout } = await run('nvidia-smi', [...NVIDIA_SMI_ARGS], { timeout: PROBE_TIMEOUT_MS });
    const tiers = parseNvidiaSmi(stdout).map((gpu) => tierOf(hardwareOf(gpu) ?? CPU_ONLY));
    return Math.max(0, ...tiers);
  } catch {
    // No driver, no GPU.
    return 0;
  }
}

/** What rows computed here are bitwise comparable within: runtime, provider, CPU level, quantisation block, emitter. */
export function arithmeticProfile(provider: string): string {
  let cpuinfo = '';
  try {
    cpuinfo = readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    // Only Linux tells its CPU flags this way; elsewhere the architecture alone decides.
  }
  const { runtime, quantBlock, emitter } = MODEL_PROFILE;
  return `${runtime.replace(' ', '-')}/${provider}/${cpuLevelOf(cpuinfo, process.arch)}/q${quantBlock}/e${emitter}`;
}
