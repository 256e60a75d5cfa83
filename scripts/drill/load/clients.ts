import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromClients, Orders, ToClients } from './messages.ts';
import { sumTallies, type Tally } from './tally.ts';

const PROGRAM = fileURLToPath(new URL('./client-process.ts', import.meta.url));
const LONGEST_END_MS = 180_000;

/** The processes of the clients. */
export class Clients implements Disposable {
  readonly #children: readonly ChildProcess[];
  readonly #progress = new Map<ChildProcess, Extract<FromClients, { type: 'progress' }>>();

  constructor(orders: Omit<Orders, 'clients'>, clients: number, processes: number) {
    const indices = Array.from({ length: clients }, (_, index) => index);
    this.#children = Array.from({ length: processes }, (_, at) => {
      const child = fork(PROGRAM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      child.on('message', (message: FromClients) => {
        if (message.type === 'progress') this.#progress.set(child, message);
      });
      const mine = indices.filter((index) => index % processes === at);
      child.send({ type: 'begin', orders: { ...orders, clients: mine } } satisfies ToClients);
      return child;
    });
  }

  get progress(): string {
    const all = [...this.#progress.values()];
    const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + of(one), 0);
    return `${sum(({ asked }) => asked)} asked, ${sum(({ served }) => served)} served, ${sum(({ complaints }) => complaints)} complaints`;
  }

  tell(message: Exclude<ToClients, { type: 'begin' }>): void {
    for (const child of this.#children) child.send(message);
  }

  /** Lets every client finish what it has begun. @throws Error when a process ends without its report, or does not end */
  async end(signal: AbortSignal): Promise<Tally> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_END_MS)]);
    const reports = this.#children.map(async (child) => {
      const died = once(child, 'exit', { signal: bounded }).then(() => {
        throw new Error('a process of clients ended without its report');
      });
      died.catch(() => {});
      for (;;) {
        const [message] = (await Promise.race([once(child, 'message', { signal: bounded }), died])) as [FromClients];
        if (message.type === 'report') return message.tally;
      }
    });
    this.tell({ type: 'end' });
    return sumTallies(await Promise.all(reports));
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}
