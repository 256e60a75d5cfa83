import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import type { NodeConfig } from '../config/node-config.ts';
import type { CreateNode, ReadyInfo } from '../daemon-port.ts';
import { openDataDir } from '../data-dir/data-dir.ts';
import { assertPortFree, endpointOfMultiaddr } from '../data-dir/ports.ts';
import { removeRunFile, writeRunFile } from '../data-dir/run-file.ts';
import { createLogger } from '../log/logger.ts';
import { orAborted, untilAborted } from '../until-aborted.ts';
import type { CliContext } from './context.ts';
import { print, printJson, say } from './output.ts';

/** Runs the daemon until a signal; 0 when it stopped because it was asked to. */
export async function runNode(context: CliContext, config: NodeConfig): Promise<number> {
  await using dataDir = await openDataDir(config.dataDir, context.pid);
  await assertPortsFree(config);
  const color = context.env.NO_COLOR === undefined;
  const logger = createLogger({ level: config.logLevel, stream: context.stderr, color });
  const { createNode } = (await import('../daemon/index.ts')) as { createNode: CreateNode };
  const operatorToken = randomBytes(32).toString('base64url');
  const node = await createNode(config, { logger, operatorToken });
  try {
    await orAborted(node.start(context.signal), context.signal);
    const info = await orAborted(node.ready(), context.signal);
    await writeRunFile(dataDir.root, context.pid, { ...info, operatorToken });
    announce(context, config, info);
    // Written now, not at the end: stopping should not wait for it.
    flushCompileCache();
    await untilAborted(context.signal);
    logger.info('stopping');
  } catch (error) {
    if (!context.signal.aborted) throw error;
  } finally {
    await removeRunFile(dataDir.root);
    await node.stop();
  }
  return 0;
}

async function assertPortsFree(config: NodeConfig): Promise<void> {
  if (config.gateway !== null) {
    await assertPortFree(config.gateway, '--gateway');
    // Metrics are the gateway's; without one nobody listens there.
    if (config.metrics !== null) await assertPortFree(config.metrics, '--metrics');
  }
  for (const multiaddr of config.listen) {
    const endpoint = endpointOfMultiaddr(multiaddr);
    if (endpoint !== null) await assertPortFree(endpoint, '--listen');
  }
}

function announce(context: CliContext, config: NodeConfig, info: ReadyInfo): void {
  const { gateway, peerId, invite, networkId } = info;
  if (config.json) {
    printJson(context, { event: 'ready', gateway, peerId, invite, networkId });
    return;
  }
  say(context, `Invite others:  npx blyan-node start --bootstrap ${invite}`);
  print(context, gateway === null ? `Ready: node ${peerId}, no gateway here` : `Ready: chat at ${gateway}`);
}
