/** Why a file is not what it was written as, and from which byte on. */
export class FileDamageError extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** A damaged file of a store. */
export interface FileDamage {
  /** Name in the directory. */
  readonly file: string;
  /** The first byte of what is damaged. */
  readonly offset: number;
  /** What is wrong with it, for people. */
  readonly what: string;
}
