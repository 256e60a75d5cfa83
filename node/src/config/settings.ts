import { AUTH_MODES, DEFAULT_PRICES } from '@blyan/api';
import { EPOCH_BLOCKS } from '@blyan/params';
import { z } from 'zod';
import { LOG_LEVELS, PROVIDERS } from './node-config.ts';
import { redactContact, redactUrl } from './redact.ts';
import type { Setting } from './setting.ts';
import { MAX_THREADS, MOST_USUAL_THREADS } from './threads.ts';

// One block of ports: HTTP gateway 4700, peers 4701, metrics 4702.
export const DEFAULT_GATEWAY = '127.0.0.1:4700';
export const DEFAULT_LISTEN = '/ip4/0.0.0.0/tcp/4701';
export const DEFAULT_METRICS = '127.0.0.1:4702';

const MAX_LIST = 64;
const MAX_TEXT = 4096;

const text = z.string().min(1, 'must not be empty').max(MAX_TEXT);
const multiaddr = text
  .regex(
    /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)\/[^/\s]+(\/[^\s]*)?$/,
    'must be a multiaddr such as /ip4/127.0.0.1/tcp/4701',
  )
  .refine((address) => Number(/\/tcp\/(\d+)/.exec(address)?.[1] ?? 0) <= 65_535, 'must have a port up to 65535');
const contact = text.regex(
  /^(\/(ip4|ip6|dns|dns4|dns6|dnsaddr)\/[^/\s]+(\/[^\s]*)?|blyan1[0-9A-Za-z_-]+)$/,
  'must be a multiaddr or an invite string (blyan1…)',
);
const bytes = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);
const PRICE = /^[^=].*=\d{1,12}(\.\d{1,12})?\/\d{1,12}(\.\d{1,12})?(\/\d{1,12}(\.\d{1,12})?)?$/;

/** What one engine can address: 4 GiB less 768 MiB for activations and small weights. */
export const MAX_KV_BUDGET_BYTES = 3_489_660_928;
/** Four million blocks. */
const MAX_EPOCHS = 16_384;
const MAX_PROXIES = 8;
const MAX_DRAIN_MS = 600_000;
/** Sequences that the protocol lets a node run. */
const MAX_STREAMS = 256;

export const SETTINGS: readonly Setting[] = [
  {
    key: 'dataDir',
    name: 'data-dir',
    env: 'BLYAN_DATA_DIR',
    flags: '--data-dir <dir>',
    form: 'text',
    schema: text,
    fallback: undefined,
    help: 'folder of blocks, keys and state (default: the user data folder of this system)',
  },
  {
    key: 'model',
    name: 'model',
    env: 'BLYAN_MODEL',
    flags: '--model <name|root>',
    form: 'text',
    schema: text.optional(),
    fallback: undefined,
    help: 'model to serve (default: the one of the data folder or of the network joined)',
  },
  {
    key: 'genesisDir',
    name: 'genesis-dir',
    env: 'BLYAN_GENESIS_DIR',
    flags: '--genesis-dir <dir>',
    form: 'text',
    schema: text.optional(),
    fallback: undefined,
    help: 'genesis folder that a new network takes its first model from (default: the one of this program)',
  },
  {
    key: 'host',
    name: 'host',
    env: 'BLYAN_HOST',
    flags: '--host <spec>',
    form: 'text',
    schema: text,
    fallback: 'auto',
    help: 'blocks to host: auto, all, none, or a comma list of trunk, embedding, head, layers:A-B, experts:L.E-F, experts:*.E-F',
  },
  {
    key: 'listen',
    name: 'listen',
    env: 'BLYAN_LISTEN',
    flags: '--listen <multiaddr>',
    form: 'list',
    schema: z.array(multiaddr).min(1).max(MAX_LIST),
    fallback: [DEFAULT_LISTEN],
    help: `address to accept peers on, may be repeated (default: ${DEFAULT_LISTEN})`,
  },
  {
    key: 'announce',
    name: 'announce',
    env: 'BLYAN_ANNOUNCE',
    flags: '--announce <multiaddr>',
    form: 'list',
    schema: z.array(multiaddr).max(MAX_LIST),
    fallback: [],
    help: 'address to tell peers instead, may be repeated',
  },
  {
    key: 'bootstrap',
    name: 'bootstrap',
    env: 'BLYAN_BOOTSTRAP',
    flags: '--bootstrap <multiaddr|invite>',
    form: 'list',
    schema: z.array(contact).max(MAX_LIST),
    fallback: [],
    help: 'peer or invite string to join through, may be repeated',
    redact: redactContact,
  },
  {
    key: 'mdns',
    name: 'mdns',
    env: 'BLYAN_MDNS',
    flags: '--no-mdns',
    form: 'boolean',
    schema: z.boolean(),
    fallback: true,
    help: 'do not look for peers on the local network',
  },
  {
    key: 'lanes',
    name: 'lanes',
    env: 'BLYAN_LANES',
    flags: '--no-lanes',
    form: 'boolean',
    schema: z.boolean(),
    fallback: true,
    help: 'no connections of the engine itself with near nodes, which are at a TCP port that the system chooses',
  },
  {
    key: 'gateway',
    name: 'gateway',
    env: 'BLYAN_GATEWAY',
    flags: '--gateway <host:port|off>',
    form: 'text',
    schema: text,
    fallback: DEFAULT_GATEWAY,
    help: `where to serve HTTP (default: ${DEFAULT_GATEWAY})`,
  },
  {
    key: 'auth',
    name: 'auth',
    env: 'BLYAN_AUTH',
    flags: '--auth <mode>',
    form: 'text',
    schema: z.enum(AUTH_MODES).optional(),
    fallback: undefined,
    help: 'who gets answers at the gateway: off (all are guests), optional (all; who signs in has an account), required (default: optional on loopback without an --origin elsewhere, otherwise required)',
  },
  {
    key: 'limits',
    name: 'limits',
    env: 'BLYAN_LIMITS',
    flags: '--limits <on|off>',
    form: 'text',
    schema: z.enum(['on', 'off']).optional(),
    fallback: undefined,
    help: 'rates and quotas of those who use the gateway (default: on where signing in is required)',
  },
  {
    key: 'charge',
    name: 'charge',
    env: 'BLYAN_CHARGE',
    flags: '--charge <on|off>',
    form: 'text',
    schema: z.enum(['on', 'off']),
    fallback: 'off',
    help: 'whether those who signed in pay for answers from their credits; guests never do, and all use is written down in either case (default: off)',
  },
  {
    key: 'prices',
    name: 'prices',
    env: 'BLYAN_PRICES',
    flags: '--prices <model=prompt/completion/cached>',
    form: 'list',
    schema: z.array(text.regex(PRICE, 'must be a price such as *=0.5/1.5')).min(1).max(MAX_LIST),
    fallback: DEFAULT_PRICES,
    help: `credits for a million tokens of a prompt, of an answer, and of a prompt that is kept from before, by name or root of the model or * for the others, may be repeated (default: ${DEFAULT_PRICES.join(' ')})`,
  },
  {
    key: 'ledger',
    name: 'ledger',
    env: 'BLYAN_LEDGER',
    flags: null,
    form: 'text',
    schema: text
      .refine(
        (url) => /^postgres(ql)?:\/\//.test(url) && URL.canParse(url),
        'must be a URL such as postgres://user@host/blyan',
      )
      .optional(),
    fallback: undefined,
    help: 'PostgreSQL database that several gateways meter in, as postgres://user@host/blyan; the password may be in PGPASSWORD or PGPASSFILE (default: ledger.db of the data folder, for this one)',
    redact: redactUrl,
  },
  {
    key: 'origin',
    name: 'origin',
    env: 'BLYAN_ORIGIN',
    flags: '--origin <url>',
    form: 'text',
    schema: text.regex(/^https?:\/\/[^/]+$/, 'must be an origin such as https://chat.example.org').optional(),
    fallback: undefined,
    help: 'where people reach the gateway, as https://chat.example.org; they sign in there and nowhere else (default: its loopback address)',
  },
  {
    key: 'proxies',
    name: 'gateway-proxies',
    env: 'BLYAN_GATEWAY_PROXIES',
    flags: null,
    form: 'number',
    schema: z.number().int().min(0).max(MAX_PROXIES),
    fallback: 0,
    help: `proxies of yours between clients and the gateway, 0 to ${MAX_PROXIES}: clients are limited by the address that the outermost of them writes into X-Forwarded-For (default: 0)`,
  },
  {
    key: 'ethereumRpc',
    name: 'ethereum-rpc',
    env: 'BLYAN_ETHEREUM_RPC',
    flags: null,
    form: 'text',
    schema: text.regex(/^https?:\/\//, 'must be a URL').optional(),
    fallback: undefined,
    help: 'JSON-RPC of an Ethereum node, which wallets that are contracts (EIP-1271) need to sign in',
    redact: redactUrl,
  },
  {
    key: 'authStore',
    name: 'auth-store',
    env: 'BLYAN_AUTH_STORE',
    flags: null,
    form: 'text',
    schema: text
      .refine(
        (url) => /^rediss?:\/\//.test(url) && URL.canParse(url),
        'must be a URL such as rediss://:password@host:6379',
      )
      .optional(),
    fallback: undefined,
    help: 'Redis that keeps sessions, API keys and challenges for several gateways, as rediss://:password@host:6379 (default: the data folder, for this one)',
    redact: redactUrl,
  },
  {
    key: 'chainIds',
    name: 'ethereum-chains',
    env: 'BLYAN_ETHEREUM_CHAINS',
    flags: null,
    form: 'list',
    schema: z
      .array(text.regex(/^[1-9]\d{0,14}$/, 'must be an EIP-155 chain id'))
      .min(1)
      .max(MAX_LIST),
    fallback: ['1'],
    help: 'EIP-155 ids of the chains that wallets may be on to sign in (default: 1)',
  },
  {
    key: 'metrics',
    name: 'metrics',
    env: 'BLYAN_METRICS',
    flags: '--metrics <host:port|off>',
    form: 'text',
    schema: text,
    fallback: DEFAULT_METRICS,
    help: `where to serve Prometheus metrics (default: ${DEFAULT_METRICS})`,
  },
  {
    key: 'provider',
    name: 'provider',
    env: 'BLYAN_PROVIDER',
    flags: null,
    form: 'text',
    schema: z.enum(PROVIDERS),
    fallback: 'cpu',
    help: 'execution provider of the engine: cpu, webgpu or cuda',
  },
  {
    key: 'threads',
    name: 'threads',
    env: 'BLYAN_THREADS',
    flags: '--threads <n>',
    form: 'number',
    schema: z.number().int().min(1).max(MAX_THREADS).optional(),
    fallback: undefined,
    help: `threads that compute, 1 to ${MAX_THREADS}; answers are the same for any number (default: the cores but one, at most ${MOST_USUAL_THREADS})`,
  },
  {
    key: 'maxStreams',
    name: 'max-streams',
    env: 'BLYAN_MAX_STREAMS',
    flags: '--max-streams <n>',
    form: 'number',
    schema: z.number().int().min(1).max(MAX_STREAMS).optional(),
    fallback: undefined,
    help: `most answers at once, through the gateway and computed here for anyone, 1 to ${MAX_STREAMS} (default: 64 and ${MAX_STREAMS})`,
  },
  {
    key: 'drainMs',
    name: 'drain-ms',
    env: 'BLYAN_DRAIN_MS',
    flags: '--drain-ms <ms>',
    form: 'number',
    schema: z.number().int().min(0).max(MAX_DRAIN_MS),
    fallback: 5_000,
    help: `how long a gateway that is told to stop lets answers finish, 0 to ${MAX_DRAIN_MS}; new ones get 503, what is not done then may be resumed elsewhere (default: 5000)`,
  },
  {
    key: 'kvBudgetBytes',
    name: 'kv-budget',
    env: 'BLYAN_KV_BUDGET',
    flags: '--kv-budget <bytes>',
    form: 'number',
    schema: bytes.max(MAX_KV_BUDGET_BYTES).optional(),
    fallback: undefined,
    help: `memory for the keys and values of answers and kept prompts, at most ${MAX_KV_BUDGET_BYTES} (default: an eighth of the machine's, 2 GiB at most)`,
  },
  {
    key: 'sessionCacheBytes',
    name: 'session-cache-bytes',
    env: 'BLYAN_SESSION_CACHE_BYTES',
    flags: null,
    form: 'number',
    schema: bytes.optional(),
    fallback: undefined,
    help: 'bound of the memory for loaded blocks',
  },
  {
    key: 'storeQuotaBytes',
    name: 'store-quota-bytes',
    env: 'BLYAN_STORE_QUOTA_BYTES',
    flags: null,
    form: 'number',
    schema: bytes.optional(),
    fallback: undefined,
    help: 'bound of the block store on disk',
  },
  {
    key: 'archive',
    name: 'archive',
    env: 'BLYAN_ARCHIVE',
    flags: '--archive',
    form: 'boolean',
    schema: z.boolean(),
    fallback: false,
    help: 'keep every block of the chain, and replay it instead of beginning from a snapshot',
  },
  {
    key: 'keepEpochs',
    name: 'keep-epochs',
    env: 'BLYAN_KEEP_EPOCHS',
    flags: null,
    form: 'number',
    schema: z.number().int().min(1).max(MAX_EPOCHS),
    fallback: 128,
    help: `epochs of ${EPOCH_BLOCKS} blocks that are kept without --archive`,
  },
  {
    key: 'snapshotEpochs',
    name: 'snapshot-epochs',
    env: 'BLYAN_SNAPSHOT_EPOCHS',
    flags: null,
    form: 'number',
    schema: z.number().int().min(1).max(MAX_EPOCHS),
    fallback: 1,
    help: 'a snapshot of the chain is taken every so many epochs',
  },
  {
    key: 'logLevel',
    name: 'log-level',
    env: 'BLYAN_LOG_LEVEL',
    flags: '--log-level <level>',
    form: 'text',
    schema: z.enum(LOG_LEVELS),
    fallback: 'info',
    help: `${LOG_LEVELS.join(', ')} (default: info)`,
  },
];

export function settingOf(key: string): Setting {
  const found = SETTINGS.find((setting) => setting.key === key);
  if (found === undefined) throw new TypeError(`no setting ${key}`);
  return found;
}
