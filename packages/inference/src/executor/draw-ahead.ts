import { errorCode, type PeerId } from '@blyan/interface';
import type { Plan } from '@blyan/routing';
import type { Engine } from '../engine.ts';
import type { SampledToken, SampleRequest } from '../messages.ts';
import { encodeStepHead, RESULT } from '../wire.ts';
import type { StageResult, StageStep } from './stage-port.ts';

export interface DrawAheadOptions {
  readonly requestId: string;
  /** Of the first stage, which is here. */
  readonly sequence: string;
  /** Behind the last position that the answer may have. */
  readonly end: number;
  /** Tokens that end it. */
  readonly ends: readonly number[];
  readonly hiddenSize: number;
}

export interface DrawAheadDeps {
  readonly engine: Pick<Engine, 'sample' | 'forgetRow'>;
  /** Gives a step to the first stage, which is here. */
  readonly step: (step: StageStep) => void;
  readonly drawn: (result: StageResult) => void;
  readonly failed: (error: unknown) => void;
}

/** A token and the row behind it. */
interface Place {
  readonly epoch: number;
  readonly position: number;
}

type Draw = Pick<SampleRequest, 'modelRoot' | 'spec' | 'masks'>;

/** Whether a node embeds, has the first stage of several, and draws. */
export function drawsWhereItBegins({ stages, embedding, head }: Plan, self: PeerId): boolean {
  return stages.length > 1 && stages[0]?.peerId === self && embedding === self && head === self;
}

/**
 * Draws where the node that draws has the first stage too: the row of the token is computed at once, where nothing but
 * that can follow, and the token need not come here and go back first. If the row that the token is drawn from comes
 * over a lane, the engine is told beforehand and goes on by itself.
 */
export class DrawAhead {
  readonly #options: DrawAheadOptions;
  readonly #deps: DrawAheadDeps;
  /** The token that nothing but its own row can follow. */
  #plain: Place | null = null;
  /** The token that the engine draws when the row before it comes. */
  #awaited: Place | null = null;
  /** The row that the first stage has with the token to be drawn. */
  #fed: Place | null = null;

  constructor(options: DrawAheadOptions, deps: DrawAheadDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Whether the newest token's row is computed already. */
  get isFed(): boolean {
    return this.#fed !== null;
  }

  /**
   * The token that is drawn next, if nothing but its own row can follow it; null if something may.
   *
   * @param from who sends the row before it over a lane; null when it comes to this thread
   */
  expect(token: Place | null, from: PeerId | null, draw: () => Draw): void {
    this.#plain = token !== null && token.position <= this.#options.end - 2 ? token : null;
    // Drawn already, when who reads the answer is slow: the result is on its way here.
    if (this.#plain === null || from === null || this.#awaited !== null || this.isFed) return;
    const { epoch, position } = this.#plain;
    const { requestId, hiddenSize: length } = this.#options;
    const head = encodeStepHead({ requestId, layer: RESULT, epoch, position: position - 1, wanted: 0 });
    const hidden = { awaited: this.#name, from, length, head };
    void this.#await(this.#plain, this.#sample({ ...draw(), hidden, position }, epoch));
  }

  /** Draws behind rows that have come to this thread, the first token at `position`. */
  draw(request: SampleRequest, epoch: number, rows: number): Promise<readonly SampledToken[]> {
    const { position } = request;
    if (this.#awaited?.position === position) this.#forgetRow();
    const isPlain = rows === 1 && this.#plain?.epoch === epoch && this.#plain.position === position;
    // The row of the last token is not needed.
    if (!isPlain) return this.#deps.engine.sample(request);
    this.#fed = this.#plain;
    return this.#sample(request, epoch);
  }

  /** Whether the row is under way; asked once. */
  takes(epoch: number, position: number): boolean {
    const fed = this.#fed;
    this.#fed = null;
    return fed?.epoch === epoch && fed.position === position;
  }

  forget(): void {
    if (this.#awaited !== null) this.#forgetRow();
    this.#plain = null;
    this.#fed = null;
  }

  get #name(): string {
    return `${this.#options.requestId}/result`;
  }

  #sample(request: SampleRequest, epoch: number): Promise<readonly SampledToken[]> {
    const { position } = request;
    const { sequence: drawing, ends } = this.#options;
    const drawn = this.#deps.engine.sample({ ...request, drawing });
    this.#deps.step({ epoch, position, wanted: 1, input: { drawing, ends } });
    return drawn;
  }

  async #await(place: Place, drawn: Promise<readonly SampledToken[]>): Promise<void> {
    this.#awaited = place;
    try {
      const tokens = await drawn;
      if (this.#awaited !== place) return;
      this.#awaited = null;
      this.#fed = place;
      const { requestId } = this.#options;
      const { epoch, position } = place;
      this.#deps.drawn({ requestId, epoch, position: position - 1, tokens, isByLane: true });
    } catch (error) {
      if (this.#awaited !== place) return;
      this.#awaited = null;
      if (errorCode(error) !== 'ERR_INFERENCE_CANCELLED') this.#deps.failed(error);
    }
  }

  #forgetRow(): void {
    this.#awaited = null;
    this.#deps.engine.forgetRow(this.#name);
  }
}
