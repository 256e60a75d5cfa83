import type { PeerId, PlanType, Root } from '@blyan/interface';

/** A contiguous range of trunk layers, `lastLayer` inclusive, on one node. One node may have several stages. */
export interface PlanStage {
  readonly peerId: PeerId;
  readonly firstLayer: number;
  readonly lastLayer: number;
}

/**
 * How one request is computed. The four types are shapes of this one value, run by one executor: stages cover every
 * layer once, in order, and a stage calls the experts it does not hold itself.
 */
export interface Plan {
  readonly type: PlanType;
  readonly modelRoot: Root;
  /** The arithmetic profile wanted. */
  readonly profile: string;
  /** A node of another profile takes part, because none of the wanted one fits: results may differ in the last bits. */
  readonly mixedProfile: boolean;
  readonly embedding: PeerId;
  readonly head: PeerId;
  readonly stages: readonly PlanStage[];
  /** [layer][expert] -> holders, in the order the layer's stage should try them; itself first when it holds the expert. */
  readonly experts: readonly (readonly (readonly PeerId[])[])[];
  /** Other nodes that can take over at least one whole stage, best first. */
  readonly fallbackOrder: readonly PeerId[];
  /** Ed25519, by the node that made the plan. */
  readonly signature?: Uint8Array;
}

/** The stage that computes a layer; undefined outside the model. */
export function stageOfLayer(plan: Pick<Plan, 'stages'>, layer: number): PlanStage | undefined {
  return plan.stages.find((stage) => stage.firstLayer <= layer && layer <= stage.lastLayer);
}

/** Whom the node computing a layer asks for an expert: itself if it is a holder, otherwise the first holder. */
export function preferredHolder(holders: readonly PeerId[], caller: PeerId): PeerId | undefined {
  return holders.includes(caller) ? caller : holders[0];
}
