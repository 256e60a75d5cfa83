import type { Frame, ObjectPlace, Place } from './frame.ts';
import { FrameSteps } from './frame-steps.ts';
import { GRAMMAR_LIMITS } from './limits.ts';
import type { Shape } from './shape.ts';

/** All ways to read a text so far, in the order of the schema: what may follow depends on nothing else. */
export interface State {
  readonly frames: readonly Frame[];
  /** The text is a whole document. */
  readonly isComplete: boolean;
  /** Behind each byte, as far as it was asked for. */
  readonly next: Map<number, State | null>;
}

/** Frames, places, states and steps between them that are remembered; then all are forgotten, and made again as needed. */
const MOST_REMEMBERED = 20_000;
const MOST_STEPS = 100_000;

/**
 * The documents of a schema as an automaton over bytes, made as it is walked. A state is a function of the text alone, and
 * from every state a document can be completed.
 */
export class Automaton {
  readonly #shape: Shape;
  readonly #mayIndent: boolean;
  readonly #steps = new FrameSteps();
  readonly #states = new Map<string, State>();
  #start: State | null = null;
  #stepCount = 0;

  /** @param mayIndent whether blanks may come before the document */
  constructor(shape: Shape, mayIndent = false) {
    this.#shape = shape;
    this.#mayIndent = mayIndent;
  }

  /** Frames, places, states and steps that are remembered. */
  get size(): number {
    return this.#states.size + this.#steps.size + this.#stepCount;
  }

  get start(): State {
    this.#start ??= this.#state(this.#steps.start(this.#shape, this.#mayIndent));
    return this.#start;
  }

  /** The state behind a byte; null when no document goes on like that. */
  step(state: State, byte: number): State | null {
    const known = state.next.get(byte);
    if (known !== undefined) return known;
    if (++this.#stepCount > MOST_STEPS) this.clear();
    const frames = firstOf(state.frames.flatMap((frame) => this.#steps.step(frame, byte)));
    const next = frames.length > 0 ? this.#state(frames) : null;
    state.next.set(byte, next);
    return next;
  }

  /** The state of one way to read a text. */
  only(frame: Frame): State {
    return this.#state([frame]);
  }

  /** The state of all that is in several, the first ones first. */
  union(states: readonly State[]): State {
    return states.length === 1 ? (states[0] as State) : this.#state(firstOf(states.flatMap(({ frames }) => frames)));
  }

  /** The state where a value in a place has ended. */
  after(place: Place): State {
    return this.#state(this.#steps.resume(place));
  }

  otherName(place: ObjectPlace): Place {
    return this.#steps.otherName(place);
  }

  /** Forgets what was walked; states that somebody holds stay usable. */
  clear(): void {
    this.#start = null;
    this.#stepCount = 0;
    this.#states.clear();
    this.#steps.clear();
  }

  #state(frames: readonly Frame[]): State {
    const key = frames.map(({ id }) => id).join();
    let state = this.#states.get(key);
    if (!state) {
      if (this.#states.size + this.#steps.size > MOST_REMEMBERED) this.clear();
      state = { frames, isComplete: frames.some(({ kind }) => kind === 'done'), next: new Map() };
      this.#states.set(key, state);
    }
    return state;
  }
}

/** Each once, in order; each of them leads to a document, so those that are left out leave no dead end. */
function firstOf(frames: readonly Frame[]): readonly Frame[] {
  const distinct = new Set(frames);
  return [...distinct].slice(0, GRAMMAR_LIMITS.threads);
}
