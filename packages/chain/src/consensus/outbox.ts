import type { BlockOutline, Evidence, QuorumCertificate } from '@blyan/chain-format';
import type { Hash, StoreWrite } from '@blyan/interface';
import type { ConsensusErrorCode } from './errors.ts';
import type { Send, SimplexEffects } from './events.ts';
import type { ConsensusMessage } from './messages.ts';

/** Collects the effects of one event. */
export class Outbox implements SimplexEffects {
  readonly writes: StoreWrite[] = [];
  sync = false;
  readonly bodies: Hash[] = [];
  commit: { hash: Hash; certificate: QuorumCertificate } | null = null;
  readonly sends: Send[] = [];
  readonly evidence: Evidence[] = [];
  fault: ConsensusErrorCode | null = null;
  fatal: Hash | null = null;
  readonly judge: BlockOutline[] = [];
  build: { parent: Hash; view: number } | null = null;
  readonly fetch: { hash: Hash; from: readonly number[] }[] = [];
  wakeAtMs: number | null = null;

  send(to: number | 'all', message: ConsensusMessage): void {
    this.sends.push({ to, message });
  }

  /** The earliest time that anything asked for. */
  wakeAt(timeMs: number): void {
    if (this.wakeAtMs === null || timeMs < this.wakeAtMs) this.wakeAtMs = timeMs;
  }
}
