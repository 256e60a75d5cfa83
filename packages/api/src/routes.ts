/** Every route of the gateway's HTTP listener. `*` stands for the rest of the path, `:id` for one segment. */
export const API_ROUTES = Object.freeze({
  models: { path: '/v1/models', methods: ['GET', 'HEAD'] },
  model: { path: '/v1/models/*', methods: ['GET', 'HEAD'] },
  chatCompletions: { path: '/v1/chat/completions', methods: ['POST'] },
  completions: { path: '/v1/completions', methods: ['POST'] },
  responses: { path: '/v1/responses', methods: ['POST'] },
  messages: { path: '/v1/messages', methods: ['POST'] },
  countTokens: { path: '/v1/messages/count_tokens', methods: ['POST'] },
  ollamaChat: { path: '/api/chat', methods: ['POST'] },
  ollamaGenerate: { path: '/api/generate', methods: ['POST'] },
  ollamaShow: { path: '/api/show', methods: ['POST'] },
  ollamaTags: { path: '/api/tags', methods: ['GET', 'HEAD'] },
  ollamaPs: { path: '/api/ps', methods: ['GET', 'HEAD'] },
  ollamaVersion: { path: '/api/version', methods: ['GET', 'HEAD'] },
  health: { path: '/healthz', methods: ['GET', 'HEAD'] },
  ready: { path: '/readyz', methods: ['GET', 'HEAD'] },
  readyCheck: { path: '/readyz/:check', methods: ['GET', 'HEAD'] },
  resume: { path: '/api/v1/requests/:id/stream', methods: ['GET'] },
  quotes: { path: '/api/v1/quotes', methods: ['POST'] },
  statement: { path: '/api/v1/account/statement', methods: ['GET'] },
  trialBalance: { path: '/api/v1/ledger/trial-balance', methods: ['GET'] },
  operatorKeys: { path: '/api/v1/operator/keys', methods: ['GET', 'POST'] },
  operatorKeyById: { path: '/api/v1/operator/keys/:id', methods: ['DELETE'] },
  state: { path: '/api/v1/state', methods: ['GET', 'HEAD'] },
  chainHead: { path: '/api/v1/chain/head', methods: ['GET', 'HEAD'] },
  chainBlocks: { path: '/api/v1/chain/blocks', methods: ['GET', 'HEAD'] },
  chainBlock: { path: '/api/v1/chain/blocks/:id', methods: ['GET', 'HEAD'] },
  chainGenesis: { path: '/api/v1/chain/genesis', methods: ['GET', 'HEAD'] },
  chainRecords: { path: '/api/v1/chain/records', methods: ['GET', 'HEAD', 'POST'] },
  chainRecord: { path: '/api/v1/chain/records/:id', methods: ['GET', 'HEAD'] },
  chainAccount: { path: '/api/v1/chain/accounts/:id', methods: ['GET', 'HEAD'] },
  chainEpochs: { path: '/api/v1/chain/epochs', methods: ['GET', 'HEAD'] },
  chainStates: { path: '/api/v1/chain/state', methods: ['GET', 'HEAD'] },
  chainState: { path: '/api/v1/chain/state/*', methods: ['GET', 'HEAD'] },
  siweChallenge: { path: '/auth/siwe/challenge', methods: ['POST'] },
  siweVerify: { path: '/auth/siwe/verify', methods: ['POST'] },
  session: { path: '/auth/session', methods: ['GET'] },
  logout: { path: '/auth/logout', methods: ['POST'] },
  sessions: { path: '/auth/sessions', methods: ['GET', 'DELETE'] },
  sessionById: { path: '/auth/sessions/:id', methods: ['DELETE'] },
  limits: { path: '/auth/limits', methods: ['GET'] },
  keys: { path: '/auth/keys', methods: ['GET', 'POST'] },
  device: { path: '/auth/device', methods: ['POST'] },
  deviceKey: { path: '/auth/device/key', methods: ['POST'] },
  deviceByCode: { path: '/auth/device/:id', methods: ['GET', 'POST'] },
  keyById: { path: '/auth/keys/:id', methods: ['DELETE'] },
  chainEvents: { path: '/api/v1/chain/events', methods: ['GET'] },
  openapi: { path: '/openapi.json', methods: ['GET', 'HEAD'] },
});

/** Methods that the path without its query would accept, or null when no route has it. */
export function methodsOf(path: string): readonly string[] | null {
  return Object.values(API_ROUTES).find((route) => matches(route.path, path))?.methods ?? null;
}

function matches(pattern: string, path: string): boolean {
  if (pattern.endsWith('*')) return path.startsWith(pattern.slice(0, -1));
  const [before = '', after] = pattern.split(':id');
  if (after === undefined) return path === pattern;
  const id = path.slice(before.length, path.length - after.length);
  return path === before + id + after && id !== '' && !id.includes('/');
}
