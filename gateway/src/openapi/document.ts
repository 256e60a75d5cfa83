import type { RouteOptions } from 'fastify';
import type { z } from 'zod';
import { Components } from './components.ts';
import { type Access, EXAMPLES, OPERATIONS, type Operation, TAGS } from './operations.ts';

interface RouteSchemas {
  readonly body?: z.ZodType;
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  readonly response?: Readonly<Record<string, z.ZodType>>;
}

/** Where a segment is the rest of the path: its name in the document. */
const REST: Readonly<Record<string, string>> = { '/v1/models/*': 'model', '/api/v1/chain/state/*': 'key' };

/** Nothing: anybody; a list: one of these. */
const SECURITY: Readonly<Record<Access, object[]>> = {
  everybody: [],
  asker: [{ apiKey: [] }, { session: [] }, {}],
  account: [{ apiKey: [] }, { session: [] }],
  page: [{ session: [] }],
  operator: [{ operator: [] }],
};

const DESCRIPTION = `Chat with the model of a peer-to-peer network, through the routes of the clients you have. Whether answers need a key depends on
the gateway (\`GET /auth/session\`). Streams are server-sent events, or lines of JSON for clients of Ollama; every answer has the
header \`x-request-id\`, by which a broken stream goes on.`;

/** Remembers the routes that are registered, with the schemas that they check requests and answers by. */
export class RouteList {
  readonly #routes = new Map<string, RouteSchemas>();

  /** For the hook `onRoute`. */
  add({ method, url, schema }: RouteOptions): void {
    for (const one of [method].flat()) this.#routes.set(`${one} ${url}`, (schema ?? {}) as RouteSchemas);
  }

  get(name: string): RouteSchemas | undefined {
    return this.#routes.get(name);
  }
}

/** The API as an OpenAPI 3.1 document. @throws Error for an operation that has no route */
export function openApiDocument(routes: RouteList, version: string): object {
  const components = new Components();
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const schemas = routes.get(name);
    if (schemas === undefined) throw new Error(`There is no route ${name}.`);
    const [method = '', url = ''] = name.split(' ');
    const path = pathOf(url);
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(name, operation, schemas, components) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Blyan gateway',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: Object.entries(TAGS).map(([tag, { about }]) => ({ name: tag, description: about })),
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'A key `bly_sk_…` of an account' },
        operator: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token in `run/api.json` of the data folder, new at every start',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-blyan-session',
          description: "Of the gateway's own page",
        },
      },
      schemas: components.schemas(),
    },
  };
}

function pathOf(url: string): string {
  return url.replace('*', `{${REST[url]}}`).replaceAll(/:(\w+)/g, '{$1}');
}

function describe(name: string, operation: Operation, schemas: RouteSchemas, components: Components): object {
  const [, url = ''] = name.split(' ');
  const example = EXAMPLES[name];
  const { summary, tag, access, answers = {} } = operation;
  const { body, params, querystring, response = {} } = schemas;
  const parameters = [...inPath(url, params, components), ...inQuery(querystring, components)];
  const bodies = { ...answers };
  for (const [status, schema] of Object.entries(response)) bodies[Number(status)] ??= { 'application/json': schema };
  const content = (types: Readonly<Record<string, z.ZodType>>) =>
    Object.fromEntries(
      Object.entries(types).map(([type, schema]) => [type, { schema: components.of(schema, 'output') }]),
    );
  return {
    summary,
    tags: [tag],
    security: SECURITY[access],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: components.of(body, 'input'), ...(example && { example }) } },
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(bodies).map(([status, types]) => [
          status,
          Object.keys(types).length > 0
            ? { description: meaningOf(status), content: content(types) }
            : { description: meaningOf(status) },
        ]),
      ),
      default: { description: 'Why not', content: content({ 'application/json': TAGS[tag].error }) },
    },
  };
}

function inPath(url: string, params: z.ZodType | undefined, components: Components): object[] {
  const described = params ? components.properties(params) : [];
  const names = [...url.matchAll(/:(\w+)|\*/g)].map(([all, name]) => name ?? all);
  return names.map((name) => {
    const schema = described.find((one) => one.name === name)?.schema ?? { type: 'string' };
    return { name: name === '*' ? REST[url] : name, in: 'path', required: true, schema };
  });
}

function inQuery(query: z.ZodType | undefined, components: Components): object[] {
  return query ? components.properties(query).map((one) => ({ ...one, in: 'query' })) : [];
}

function meaningOf(status: string): string {
  const meanings: Readonly<Record<string, string>> = {
    201: 'Made',
    202: 'Taken',
    204: 'Done',
    503: 'Not now',
  };
  return meanings[status] ?? 'The answer';
}
