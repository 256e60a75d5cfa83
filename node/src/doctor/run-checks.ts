import type { Check, DoctorInput, Finding } from './check.ts';
import { checkBlocks } from './check-blocks.ts';
import { checkDataDir, checkDisk, checkKeyPermissions } from './check-disk.ts';
import { checkMachine, checkOpenFiles } from './check-limits.ts';
import { checkPorts } from './check-ports.ts';
import { checkRunningNode } from './check-running-node.ts';
import { checkInferenceRuntime, checkNodeVersion } from './check-runtime.ts';

export const CHECKS: readonly Check[] = [
  checkNodeVersion,
  checkInferenceRuntime,
  checkMachine,
  checkOpenFiles,
  checkDataDir,
  checkKeyPermissions,
  checkDisk,
  checkPorts,
  checkBlocks,
  checkRunningNode,
];

/** Runs the checks one after the other; one that cannot be carried out is itself a failed check. */
export async function* runChecks(input: DoctorInput, checks: readonly Check[] = CHECKS): AsyncGenerator<Finding> {
  for (const check of checks) {
    input.signal.throwIfAborted();
    try {
      for (const finding of await check.run(input)) yield { check: check.name, ...finding };
    } catch (error) {
      input.signal.throwIfAborted();
      const message = `Could not be checked: ${(error as Error).message}`;
      yield { check: check.name, level: 'fail', message, fix: 'Report this with the output of `blyan-node version`.' };
    }
  }
}
