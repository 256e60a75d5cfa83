import { readFileSync } from 'node:fs';
import { kill } from 'node:process';

/** A process, told apart from a later one with the same number by its start time where the system shows it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; null where the system does not tell. */
  readonly startedAt: string | null;
}

interface Seen {
  /** In clock ticks since boot, with the boot it belongs to. */
  readonly startedAt: string;
  /** It has ended, and nobody has asked how: a container without an init keeps such processes for ever. */
  readonly isZombie: boolean;
}

/** What the system shows of a process (Linux: fields 3 and 22 of /proc/PID/stat); null where it shows nothing. */
function look(pid: number): Seen | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { startedAt: `${boot}:${fields[19]}`, isZombie: fields[0] === 'Z' };
  } catch {
    return null;
  }
}

export function identifyProcess(pid: number): ProcessIdentity {
  return { pid, startedAt: look(pid)?.startedAt ?? null };
}

/** Whether exactly this process still runs; a process of another user counts as running. */
export function isRunning({ pid, startedAt }: ProcessIdentity): boolean {
  try {
    kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const seen = look(pid);
  if (seen === null) return true;
  return !seen.isZombie && (startedAt === null || seen.startedAt === startedAt);
}
