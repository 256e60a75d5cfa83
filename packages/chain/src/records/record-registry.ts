import type { RecordFields } from '@blyan/chain-format';
import { describeIssues } from '../genesis/genesis-schema.ts';
import { expertRecord } from './expert.ts';
import { modelRecord } from './model.ts';
import { nodeRecord } from './node.ts';
import type { Refusal } from './record-errors.ts';
import type { RecordType } from './record-type.ts';
import { transferRecord } from './transfer.ts';

/** A record's type and its body as the type understands it. */
export interface TypedRecord {
  readonly type: RecordType;
  readonly body: unknown;
}

/** The record types that a chain knows. Part of consensus: all its nodes know the same. */
export class RecordRegistry {
  readonly #types = new Map<string, RecordType>();
  /** A record is read when it comes, when it is built with or judged, and when it is applied: its body is checked once. */
  readonly #known = new WeakMap<RecordFields, TypedRecord | Refusal>();

  // Bodies reach a type only through its own schema, so that types of all bodies can stand in one list.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  constructor(types: readonly RecordType<any>[]) {
    for (const type of types) this.#types.set(`${type.lane}/${type.name}/${type.version}`, type);
  }

  /** These types and others, which replace those of the same lane, name and version. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  with(...types: readonly RecordType<any>[]): RecordRegistry {
    return new RecordRegistry([...this.#types.values(), ...types]);
  }

  /** Finds the type and checks the body, or says why not. */
  read(record: RecordFields): TypedRecord | Refusal {
    const known = this.#known.get(record);
    if (known !== undefined) return known;
    const read = this.#read(record);
    this.#known.set(record, read);
    return read;
  }

  #read(record: RecordFields): TypedRecord | Refusal {
    const { lane, type: name, version } = record;
    const type = this.#types.get(`${lane}/${name}/${version}`);
    if (type === undefined) {
      return {
        code: 'ERR_RECORD_TYPE',
        message: `No record type ${name} of version ${version} in lane ${lane} is known; a newer version of the software may know it.`,
        final: true,
      };
    }
    const body = type.body.safeParse(record.body);
    if (body.success) return { type, body: body.data };
    const message = `The body of this ${name} record cannot be used: ${describeIssues(body.error)}.`;
    return { code: 'ERR_RECORD_BODY', message, final: true };
  }
}

/** The types of this version. */
export const RECORD_TYPES = new RecordRegistry([transferRecord, nodeRecord, modelRecord, expertRecord]);
