/** What one good request went through. */
export interface Served {
  /** Tells answers of different families apart. */
  readonly family: string;
  /** From the first try to the first byte of the answer, refusals and the waits they asked for included, the time of a restart not, milliseconds. */
  readonly waitMs: number;
  /** Of the try that was answered alone. */
  readonly firstByteMs: number;
  readonly refusals: number;
  readonly resumes: number;
}

const MAX_COMPLAINTS = 50;

/** What the clients of a process saw. Sent to the drill as JSON. */
export class Tally {
  readonly served: Served[] = [];
  /** Good requests that were begun. */
  asked = 0;
  /** Refusals of good requests, by status and code. */
  readonly refusals: Record<string, number> = {};
  /** What others did, and what they were told: `oversized 413`. */
  readonly told: Record<string, number> = {};
  /** What must not be. */
  readonly complaints: string[] = [];
  complaintCount = 0;

  refused(what: string): void {
    this.refusals[what] = (this.refusals[what] ?? 0) + 1;
  }

  tell(what: string): void {
    this.told[what] = (this.told[what] ?? 0) + 1;
  }

  complain(what: string): void {
    this.complaintCount++;
    if (this.complaints.length < MAX_COMPLAINTS) this.complaints.push(what);
  }
}

/** All of them as one. */
export function sumTallies(tallies: readonly Tally[]): Tally {
  const sum = new Tally();
  for (const { served, asked, refusals, told, complaints, complaintCount } of tallies) {
    sum.served.push(...served);
    sum.asked += asked;
    for (const [key, count] of Object.entries(refusals)) sum.refusals[key] = (sum.refusals[key] ?? 0) + count;
    for (const [key, count] of Object.entries(told)) sum.told[key] = (sum.told[key] ?? 0) + count;
    sum.complaints.push(...complaints);
    sum.complaintCount += complaintCount;
  }
  return sum;
}
