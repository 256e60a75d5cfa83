import type { PlanType } from '@blyan/interface';
import type { ModelSpec } from '@blyan/model';
import type { ClusterPlan } from '../cluster/cluster.ts';

export const ROLES = ['stage', 'experts', 'delegate'] as const;
/** What the node that fails does for the answer. */
export type Role = (typeof ROLES)[number];

export interface Layout {
  readonly plan: PlanType;
  /** Node 0 coordinates, the last one is the spare. */
  readonly nodes: readonly ClusterPlan[];
  /** Indices of the nodes that may fail. */
  readonly victims: readonly number[];
  readonly spare: number;
}

/** While all is well the spare is as far away as another country, so that plans take it last; one way, milliseconds. */
export const SPARE_DELAY_MS = 10;

/** Three nodes that share the work of a role, and a spare that holds whatever one of the others may lose. */
export function failoverLayout(role: Role, { layerCount, expertCount }: ModelSpec): Layout {
  const coordinator = (host: string): ClusterPlan => ({ host, gateway: true });
  const spare = (host: string): ClusterPlan => ({ host, link: { delayMs: SPARE_DELAY_MS } });
  const last = { spare: 3, victims: role === 'delegate' ? [1] : [1, 2] };
  if (role === 'stage') {
    const from = (third: number) => Math.floor((third * layerCount) / 3);
    const layers = (third: number) => `layers:${from(third)}-${from(third + 1) - 1}`;
    const rest = `layers:${from(1)}-${layerCount - 1}`;
    const nodes = [coordinator(`embedding,head,${layers(0)}`), { host: layers(1) }, { host: layers(2) }, spare(rest)];
    return { plan: 'pipeline', nodes, ...last };
  }
  const half = expertCount >> 1;
  const [low, high] = [`experts:*.0-${half - 1}`, `experts:*.${half}-${expertCount - 1}`];
  const trunk = 'embedding,head,trunk';
  if (role === 'experts') {
    const nodes = [coordinator(trunk), { host: low }, { host: high }, spare(`experts:*.0-${expertCount - 1}`)];
    return { plan: 'dynamic', nodes, ...last };
  }
  const nodes = [coordinator(`${trunk},${low}`), { host: 'all' }, { host: `${trunk},${high}` }, spare('all')];
  return { plan: 'static_delegate', nodes, ...last };
}
