/** Every route of the gateway's HTTP listener. `*` stands for the rest of the path. */
export const API_ROUTES = Object.freeze({
  models: { path: '/v1/models', methods: ['GET', 'HEAD'] },
  model: { path: '/v1/models/*', methods: ['GET', 'HEAD'] },
  chatCompletions: { path: '/v1/chat/completions', methods: ['POST'] },
  completions: { path: '/v1/completions', methods: ['POST'] },
  health: { path: '/healthz', methods: ['GET', 'HEAD'] },
  ready: { path: '/readyz', methods: ['GET', 'HEAD'] },
  state: { path: '/api/v1/state', methods: ['GET', 'HEAD'] },
});

/** Methods that the path without its query would accept, or null when no route has it. */
export function methodsOf(path: string): readonly string[] | null {
  for (const route of Object.values(API_ROUTES)) {
    const isPrefix = route.path.endsWith('*');
    const matches = isPrefix ? path.startsWith(route.path.slice(0, -1)) : path === route.path;
    if (matches) return route.methods;
  }
  return null;
}
