import type { PeerId } from '@blyan/interface';
import type { RoutedModel } from './block-map.ts';
import { missingParts } from './coverage.ts';
import { Holdings } from './holdings.ts';
import { linkRttMs } from './link.ts';
import type { NodeView } from './node-record.ts';
import { remember } from './remember.ts';

/** What a plan is made from. */
export interface PlanInput {
  readonly manifest: RoutedModel;
  readonly views: readonly NodeView[];
  /** The node that makes the plan and samples the tokens; one of the views. */
  readonly self: PeerId;
  /** The arithmetic profile wanted. */
  readonly profile: string;
  /** Expert choices seen in the prompt, [layer][expert]; `static_delegate` follows them. */
  readonly predicted?: readonly (readonly number[])[];
  /** Peers to do without unless no plan is possible then (`PeerHealth.avoided`); this node is never avoided. */
  readonly avoid?: ReadonlySet<PeerId>;
}

/** A reachable node that may take part. */
export interface PlanNode {
  readonly view: NodeView;
  readonly peerId: PeerId;
  readonly holdings: Holdings;
  /** Of another arithmetic profile than the one wanted. */
  readonly foreign: boolean;
  /** To be done without where that is possible. */
  readonly avoided: boolean;
}

/** How unwillingly a node is taken: 0 gladly, 1 of another profile, 2 avoided, 3 both. */
export const reluctance = ({ foreign, avoided }: PlanNode): number => Number(foreign) + 2 * Number(avoided);

export interface PlanScope {
  readonly input: PlanInput;
  readonly self: PlanNode;
  /** This node and the reachable ones to choose from. */
  readonly nodes: readonly PlanNode[];
}

/** By input, so that the plans compared for one request share what was worked out for the first. */
const scopes = new WeakMap<PlanInput, PlanScope | null>();

/** Every reachable node; null when this node is not among the views. The input must not change. */
export function planScope(input: PlanInput): PlanScope | null {
  return remember(scopes, input, () => scopeOf(input));
}

function scopeOf(input: PlanInput): PlanScope | null {
  const nodes = input.views
    .filter((view) => view.reachable || view.peerId === input.self)
    .map((view) => ({
      view,
      peerId: view.peerId,
      holdings: Holdings.of(view, input.manifest),
      foreign: view.profile !== input.profile,
      avoided: view.peerId !== input.self && (input.avoid?.has(view.peerId) ?? false),
    }));
  const self = nodes.find((node) => node.peerId === input.self);
  return self === undefined ? null : { input, self, nodes };
}

const narrowed = new WeakMap<PlanScope, readonly PlanScope[]>();

/** The scope with fewer nodes first: without those to avoid, and without another profile before with it. */
export function narrowFirst(scope: PlanScope): readonly PlanScope[] {
  return remember(narrowed, scope, () => narrow(scope));
}

function narrow(scope: PlanScope): PlanScope[] {
  const sizes = new Set<number>();
  const scopes = [
    scope.nodes.filter((node) => reluctance(node) === 0),
    scope.nodes.filter((node) => !node.avoided),
    scope.nodes.filter((node) => !node.foreign),
    scope.nodes,
  ];
  // Each contains the first, and the last contains all: one of a size that was there has nothing new to try.
  return scopes.filter(({ length }) => !sizes.has(length) && sizes.add(length)).map((nodes) => ({ ...scope, nodes }));
}

const sound = new WeakMap<PlanScope, PlanScope>();

/** The scope without the nodes to avoid. */
export function soundScope(scope: PlanScope): PlanScope {
  return remember(sound, scope, () => ({ ...scope, nodes: scope.nodes.filter((node) => !node.avoided) }));
}

const missing = new WeakMap<readonly PlanNode[], readonly string[]>();

/** The labels of the parts that no node of the scope holds. */
export function missingIn({ nodes, input }: PlanScope): readonly string[] {
  const holders = () => nodes.map(({ holdings }) => holdings);
  return remember(missing, nodes, () => missingParts(input.manifest, holders()));
}

/** One waiting or running sequence weighs like this many milliseconds of distance. */
const MS_PER_SEQUENCE = 1;

/** By the nodes to order: a plan asks for the order of the same node layer by layer. */
const orders = new WeakMap<readonly PlanNode[], Map<PeerId, readonly PlanNode[]>>();

/** The nodes as one of them would try them: itself, then the sound ones of the wanted profile, then near and idle before far and busy. */
export function nearestFirst(from: PlanNode, nodes: readonly PlanNode[]): readonly PlanNode[] {
  const known = remember(orders, nodes, () => new Map());
  return remember(known, from.peerId, () => sortByDistance(from, nodes));
}

function sortByDistance(from: PlanNode, nodes: readonly PlanNode[]): PlanNode[] {
  const keyed = nodes.map((node) => {
    const { view } = node;
    if (node.peerId === from.peerId) return { node, last: -1, distance: 0 };
    const distance = linkRttMs(from.view, view) + MS_PER_SEQUENCE * (view.active + view.queued);
    return { node, last: reluctance(node), distance };
  });
  keyed.sort((a, b) => a.last - b.last || a.distance - b.distance || (a.node.peerId < b.node.peerId ? -1 : 1));
  return keyed.map(({ node }) => node);
}
