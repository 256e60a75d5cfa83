const LOGGED_DIGITS = 8;

/** Enough of a request id to find it in a log; all of it would be the right to the answer. */
export function loggedId(id: string): string {
  return id.slice(0, LOGGED_DIGITS);
}
