import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Which of these processes has a TCP socket with this local port of loopback: tells who dialled a link. Reads `/proc`, so
 * Linux only.
 * @param pids by name
 */
export function portOwner(port: number, pids: ReadonlyMap<string, number>): string | null {
  const socket = socketOf(port);
  if (socket === null) return null;
  for (const [name, pid] of pids) {
    const fds = `/proc/${pid}/fd`;
    if (tryTo(() => readdirSync(fds))?.some((fd) => tryTo(() => readlinkSync(`${fds}/${fd}`)) === socket)) return name;
  }
  return null;
}

/** `socket:[inode]` of the established connection with this local port. */
function socketOf(port: number): string | null {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of tryTo(() => readFileSync(table, 'utf8'))
      ?.split('\n')
      .slice(1) ?? []) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (local?.endsWith(ending) && state === '01') return `socket:[${inode}]`;
    }
  }
  return null;
}

/** Processes and descriptors may be gone by the time they are looked at. */
function tryTo<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
