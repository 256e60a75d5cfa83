import { setTimeout as delay } from 'node:timers/promises';
import { LedgerFile } from '@blyan/ledger';

const LONGEST_MS = 15_000;
const LOOK_EVERY_MS = 250;

export interface Books {
  readonly entries: number;
  /** What is wrong with them; null: nothing. */
  readonly problem: string | null;
}

/** Of a gateway that answers nobody any more: balanced, every entry in its place, nothing set aside. */
export async function booksOf(path: string): Promise<Books> {
  // The last answers are written down beside.
  for (const deadline = Date.now() + LONGEST_MS; ; await delay(LOOK_EVERY_MS)) {
    const books = look(path);
    if (books.problem === null || Date.now() > deadline) return books;
  }
}

function look(path: string): Books {
  using file = new LedgerFile({ path, readOnly: true });
  const { entries, open, broken } = file.verify();
  const unbalanced = file.trialBalance().find(({ debits, credits }) => debits !== credits);
  if (broken !== null) return { entries, problem: `entry ${broken.seq}: ${broken.reason}` };
  if (unbalanced !== undefined) return { entries, problem: `the trial balance of ${unbalanced.asset} is not zero` };
  return { entries, problem: open > 0 ? `${open} reservations are open` : null };
}
