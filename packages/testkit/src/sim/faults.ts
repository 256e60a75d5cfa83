import type { Round } from './scenario.ts';
import type { SimContext, SimNode, SimPeer } from './sim-node.ts';

/** A record spreads from one node to all, as far as the links let it. */
export function gossip({ links, nodes }: SimContext, from: SimPeer, bytes: Uint8Array): void {
  from.submit(bytes);
  for (const to of nodes) if (to !== from) links.carry(from.place, to.place, () => to.submit(bytes));
}

/** What goes wrong in a round, from now on. */
export function planFaults(
  context: SimContext,
  round: Round,
  honest: readonly SimNode[],
  crashes: { count: number },
): void {
  const { world, links } = context;
  const startMs = world.nowMs;
  for (const { atMs, untilMs, groups } of round.partitions) {
    world.at(startMs + atMs, () => {
      world.trace(`partition ${groups.join('')}`);
      links.partition(groups);
    });
    world.at(startMs + untilMs, () => {
      world.trace('partition over');
      links.partition(null);
    });
  }
  for (const { atMs, node, afterWrites, downMs } of round.crashes) {
    const victim = honest.find(({ place }) => place === node) as SimNode;
    world.at(startMs + atMs, () => {
      if (!victim.alive) return;
      victim.crashAtWrite(afterWrites, () => {
        crashes.count++;
        world.after(downMs, () => restart(context, victim));
      });
    });
  }
}

function restart({ world }: SimContext, node: SimNode): void {
  if (node.alive) return;
  world.trace(`${node.place} starts again`);
  void node.start();
}

/** Links are good from now on, everybody runs, and pools are compared. */
export function heal(context: SimContext, honest: readonly SimNode[], records: readonly Uint8Array[]): void {
  const { world, links } = context;
  world.trace('heal');
  links.partition(null);
  Object.assign(links.conditions, { loss: 0, duplication: 0, minDelayMs: 1, maxDelayMs: 50 });
  for (const node of honest) {
    node.crashAtWrite(Number.POSITIVE_INFINITY, () => undefined);
    restart(context, node);
  }
  // Nodes that come back compare what waits with their peers'.
  world.after(100, () => {
    for (const bytes of records) for (const node of honest) node.submit(bytes);
    for (const a of honest) for (const b of honest) if (a !== b) a.compare(b, b.application.head.header.height);
  });
}
