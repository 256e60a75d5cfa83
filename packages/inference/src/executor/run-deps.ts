import type { PeerId } from '@blyan/interface';
import type { Plan } from '@blyan/routing';
import type { Engine } from '../engine.ts';
import type { SpeculationHistory } from '../speculation/index.ts';
import type { Grammars } from './grammars.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { PeerBlame } from './peer-blame.ts';
import type { ResultInbox } from './result-inbox.ts';
import type { StageHost } from './stage-host.ts';
import type { StageNetwork } from './stage-network.ts';

/** What a run of a plan works with: this node's engine and stages, the way to others, and what is known of them. */
export interface PlanRunDeps {
  readonly engine: Engine;
  readonly host: StageHost;
  readonly network: StageNetwork;
  readonly inbox: ResultInbox;
  readonly heartbeat: Heartbeat;
  readonly faults: PeerBlame;
  readonly grammars: Grammars;
  /** The plan with other nodes in the place of lost ones, signed; null when there are none at present. */
  readonly replace: (plan: Plan, lost: ReadonlySet<PeerId>) => Plan | null;
  /** Resolves when nodes came, went or changed, and after the time at the latest. */
  readonly networkChanged: (timeoutMs: number, signal: AbortSignal) => Promise<unknown>;
  /** What was learned about drafts under plans of this type. */
  readonly speculation: (plan: Plan) => SpeculationHistory;
}
