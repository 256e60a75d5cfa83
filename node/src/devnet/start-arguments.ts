import { SETTINGS } from '../config/settings.ts';

export interface StartPlan {
  readonly dataDir: string;
  /** Undefined: what the node served before, or the latest version that the chain has of it. */
  readonly modelRoot?: string;
  readonly host: string;
  /** TCP port to listen on; 0: any. */
  readonly listenPort: number;
  /** Port that peers are told instead. */
  readonly announcePort?: number;
  readonly bootstrap?: string;
  /** `HOST:PORT` or `off`. */
  readonly gateway: string;
  readonly metrics: string;
  /** Threads of its engine (default: 1, as the nodes of a local network share the machine). */
  readonly threads?: number;
  readonly logLevel?: string;
}

/** What one daemon of a local network is started with: everything stays on loopback. */
export function startArguments(plan: StartPlan): string[] {
  const args = ['start', '--json', '--no-mdns', '--data-dir', plan.dataDir, '--host', plan.host];
  if (plan.modelRoot !== undefined) args.push('--model', plan.modelRoot);
  args.push('--listen', `/ip4/127.0.0.1/tcp/${plan.listenPort}`, '--gateway', plan.gateway, '--metrics', plan.metrics);
  args.push('--auth', 'optional', '--threads', String(plan.threads ?? 1));
  if (plan.announcePort !== undefined) args.push('--announce', `/ip4/127.0.0.1/tcp/${plan.announcePort}`);
  if (plan.bootstrap !== undefined) args.push('--bootstrap', plan.bootstrap);
  if (plan.logLevel !== undefined) args.push('--log-level', plan.logLevel);
  return args;
}

/** Without a flag, and of the user's own gateways all the same: a network to play with neither meters there nor signs in there. */
const OF_OWN_GATEWAYS = ['ledger', 'authStore'];

/** The environment for such a daemon: settings the user meant for a node of his own do not leak into the local network. */
export function startEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const kept = { ...env, BLYAN_CONFIG: undefined };
  for (const setting of SETTINGS) {
    const isOwn = setting.flags !== null || OF_OWN_GATEWAYS.includes(setting.key);
    if (isOwn && setting.key !== 'logLevel') Object.assign(kept, { [setting.env]: undefined });
  }
  return kept;
}
