import { readFileSync } from 'node:fs';
import { kill } from 'node:process';

/** A process, told apart from a later one with the same number by its start time where the system shows it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; null where the system does not tell. */
  readonly startedAt: string | null;
}

/** Start time in clock ticks since boot, with the boot it belongs to (Linux: field 22 of /proc/PID/stat). */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${ticks}`;
  } catch {
    return null;
  }
}

export function identifyProcess(pid: number): ProcessIdentity {
  return { pid, startedAt: startTime(pid) };
}

/** Whether exactly this process still runs; a process of another user counts as running. */
export function isRunning(identity: ProcessIdentity): boolean {
  try {
    kill(identity.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return (
    identity.startedAt === null || startTime(identity.pid) === null || startTime(identity.pid) === identity.startedAt
  );
}
