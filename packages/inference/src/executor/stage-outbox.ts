import { AppError, errorCode, type Logger, type PeerId } from '@blyan/interface';
import type { StepFrame } from '../wire.ts';
import type { OpenStage } from './open-stage.ts';
import type { StageFailure, StagePort, StageResult } from './stage-port.ts';

export interface StageOutboxDeps {
  readonly port: StagePort;
  readonly logger: Logger;
  readonly isOpen: (stage: OpenStage) => boolean;
}

/** What stages send: rows to the stage behind, results and failures to the coordinator. */
export class StageOutbox {
  readonly #deps: StageOutboxDeps;

  constructor(deps: StageOutboxDeps) {
    this.#deps = deps;
  }

  /** Rows for the stage behind; nothing for the last one. */
  rows(stage: OpenStage, step: Pick<StepFrame, 'epoch' | 'position' | 'wanted' | 'rows'>): void {
    const { next, requestId, coordinator } = stage;
    if (!next) return;
    this.#queue(
      stage,
      () => this.#deps.port.forward(next.peerId, coordinator, { requestId, layer: next.firstLayer, ...step }),
      next.peerId,
    );
  }

  result(stage: OpenStage, result: StageResult): void {
    this.#queue(stage, () => this.#deps.port.result(stage.coordinator, result));
  }

  /** The stage is of no use until its coordinator has put it on another plan. */
  async failed(stage: OpenStage, error: unknown, fault: Pick<StageFailure, 'blame' | 'reason'>): Promise<void> {
    const { port, logger, isOpen } = this.#deps;
    if (!isOpen(stage)) return;
    stage.isHalted = true;
    logger.warn('a stage failed', {
      code: errorCode(error),
      layers: `${stage.firstLayer}-${stage.lastLayer}`,
      ...(error instanceof AppError ? { meta: error.meta } : {}),
    });
    try {
      const { requestId, firstLayer: layer, epoch } = stage;
      await port.fail(stage.coordinator, { requestId, layer, epoch, error, ...fault });
    } catch (lost) {
      logger.debug('a failure could not be reported', { code: errorCode(lost) });
    }
  }

  /** Sends after what is being sent already. */
  #queue(stage: OpenStage, send: () => Promise<void>, blame?: PeerId): void {
    const before = stage.sending;
    const { plan } = stage;
    stage.sending = (async () => {
      try {
        await before;
        if (stage.plan === plan) await send();
      } catch (error) {
        // On another plan by now: it was not the present neighbour that failed.
        if (stage.plan === plan) await this.failed(stage, error, { blame, reason: blame ? 'gone' : 'error' });
      }
    })();
  }
}
