import * as api from '@blyan/api';
import { z } from 'zod';

type JsonSchema = Record<string, unknown>;
type Io = 'input' | 'output';
const TARGET = 'draft-2020-12';
const PREFIX = '#/components/schemas/';

/**
 * JSON schemas of the API's zod schemas: those with a name in `@blyan/api` become components of that name and are
 * referred to; of a request's schema it is what may be sent, of an answer's what comes.
 */
export class Components {
  readonly #named = { input: z.registry<{ id: string }>(), output: z.registry<{ id: string }>() };
  readonly #used = new Set<string>();

  constructor() {
    for (const [name, schema] of Object.entries(api)) {
      if (!(schema instanceof z.ZodObject)) continue;
      const id = name.charAt(0).toUpperCase() + name.slice(1);
      for (const registry of Object.values(this.#named)) registry.add(schema, { id });
    }
  }

  /** The schema itself, or a reference to its component. */
  of(schema: z.ZodType, io: Io): JsonSchema {
    const name = this.#named[io].get(schema)?.id;
    if (name === undefined) return this.#plain(z.toJSONSchema(schema, optionsOf(io)));
    this.#used.add(`${io} ${name}`);
    return { $ref: PREFIX + name };
  }

  /** Parameters are described one by one. */
  properties(schema: z.ZodType): { name: string; required: boolean; schema: JsonSchema }[] {
    const { properties = {}, required = [] } = z.toJSONSchema(schema, optionsOf('input'));
    return Object.entries(properties).map(([name, one]) => ({
      ...{ name, required: required.includes(name) },
      schema: this.#plain(one as JsonSchema),
    }));
  }

  /** Components that were referred to, and what these refer to, by name. */
  schemas(): Record<string, JsonSchema> {
    const made = new Map<string, JsonSchema>();
    for (const io of ['input', 'output'] as const) {
      const uri = (id: string) => PREFIX + id;
      const all = z.toJSONSchema(this.#named[io], { ...optionsOf(io), uri }).schemas as Record<string, JsonSchema>;
      const waiting = [...this.#used].filter((one) => one.startsWith(`${io} `)).map((one) => one.slice(io.length + 1));
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        const schema = this.#plain(all[name] as JsonSchema);
        const other = made.get(name);
        if (other !== undefined && JSON.stringify(other) === JSON.stringify(schema)) continue;
        if (other !== undefined) throw new Error(`${name} is not the same in requests and in answers`);
        made.set(name, schema);
        waiting.push(...referredTo(schema));
      }
    }
    return Object.fromEntries([...made].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Without what only a document of its own needs. */
  #plain({ $schema: _dialect, $id: _address, id: _name, ...schema }: JsonSchema): JsonSchema {
    return schema;
  }
}

function optionsOf(io: Io) {
  return { io, target: TARGET, unrepresentable: 'any', override } as const;
}

/** A list whose length is checked first is a list all the same. */
function override({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: object }) {
  const { def } = zodSchema._zod;
  if (def.type !== 'pipe' || def.in._zod.def.type !== 'custom' || def.out._zod.def.type !== 'array') return;
  const { $schema: _dialect, ...list } = z.toJSONSchema(def.out, optionsOf('input'));
  Object.assign(jsonSchema, list, z.globalRegistry.get(def.in) ?? {});
}

function referredTo(schema: JsonSchema): string[] {
  return [...JSON.stringify(schema).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name = '']) => name,
  );
}
