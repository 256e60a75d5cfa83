import { createHash } from 'node:crypto';
import { LedgerError } from './errors.ts';

/** One step of a schema. Once released it is never edited: a change is a further step. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** A step that a database has had. */
export interface AppliedMigration {
  /** From 1. */
  readonly number: number;
  /** SHA-256 of its SQL. */
  readonly sha256: string;
}

/** A step of the schema as an opened ledger has it. */
export interface MigrationStep {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  /** Done when it was opened, not before. */
  readonly isNew: boolean;
}

export function migrationHash({ sql }: Migration): string {
  return createHash('sha256').update(sql).digest('hex');
}

/**
 * The steps that a database still needs, with their numbers.
 *
 * @throws LedgerError ERR_LEDGER_MIGRATION when it has steps this program does not know, or others than it knows
 */
export function missingMigrations(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): readonly (Migration & AppliedMigration)[] {
  applied.forEach(({ number, sha256 }, at) => {
    const migration = known[at];
    if (migration === undefined)
      refuse(`The ledger has migration ${number} and this program knows ${known.length}: use the newer program.`);
    if (number !== at + 1 || migrationHash(migration) !== sha256)
      refuse(`Migration ${number} (${migration.name}) of the ledger is not the one that this program has.`);
  });
  return known
    .map((migration, at) => ({ ...migration, number: at + 1, sha256: migrationHash(migration) }))
    .slice(applied.length);
}

/** All steps, of which those in `missing` were done now. */
export function migrationSteps(
  known: readonly Migration[],
  missing: readonly AppliedMigration[],
): readonly MigrationStep[] {
  return known.map(({ name }, at) => ({ number: at + 1, name, isNew: at >= known.length - missing.length }));
}

function refuse(message: string): never {
  throw new LedgerError('ERR_LEDGER_MIGRATION', message, { kind: 'caller' });
}
