import type { PeerId } from '@blyan/interface';
import type { RoutedModel } from './block-map.ts';
import { Holdings } from './holdings.ts';
import { linkRttMs } from './link.ts';
import type { NodeView } from './node-record.ts';

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
}

/** A reachable node that may take part. */
export interface PlanNode {
  readonly view: NodeView;
  readonly peerId: PeerId;
  readonly holdings: Holdings;
  /** Of another arithmetic profile than the one wanted. */
  readonly foreign: boolean;
}

export interface PlanScope {
  readonly input: PlanInput;
  readonly self: PlanNode;
  /** This node and every reachable one, of the wanted profile unless `mixed`. */
  readonly nodes: readonly PlanNode[];
}

/** The nodes a plan may use; null when this node is not among the views. */
export function planScope(input: PlanInput, mixed: boolean): PlanScope | null {
  const nodes = input.views
    .filter((view) => view.reachable || view.peerId === input.self)
    .map((view) => ({
      view,
      peerId: view.peerId,
      holdings: Holdings.of(view, input.manifest),
      foreign: view.profile !== input.profile,
    }));
  const self = nodes.find((node) => node.peerId === input.self);
  if (self === undefined) return null;
  return { input, self, nodes: nodes.filter((node) => mixed || !node.foreign) };
}

/** One waiting or running sequence weighs like this many milliseconds of distance. */
const MS_PER_SEQUENCE = 1;

/** The nodes as one of them would try them: itself, then the wanted profile, then near and idle before far and busy. */
export function nearestFirst(from: PlanNode, nodes: readonly PlanNode[]): PlanNode[] {
  const distance = ({ view, peerId }: PlanNode) =>
    peerId === from.peerId ? -1 : linkRttMs(from.view, view) + MS_PER_SEQUENCE * (view.active + view.queued);
  const keyed = nodes.map((node) => ({ node, foreign: Number(node.foreign), distance: distance(node) }));
  keyed.sort((a, b) => a.foreign - b.foreign || a.distance - b.distance || (a.node.peerId < b.node.peerId ? -1 : 1));
  return keyed.map(({ node }) => node);
}
