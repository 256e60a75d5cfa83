import { join } from 'node:path';
import { describeMissing } from '@blyan/routing';
import { LOG_LEVELS } from '../../config/node-config.ts';
import { usualThreads } from '../../config/threads.ts';
import { openDataDir } from '../../data-dir/data-dir.ts';
import { removeRunFile, writeRunFile } from '../../data-dir/run-file.ts';
import type { DaemonCommand } from '../../devnet/daemon-process.ts';
import { DelayedLinks } from '../../devnet/delayed-links.ts';
import { parseDevnetOptions } from '../../devnet/devnet-options.ts';
import { chooseGateway, chooseMetrics } from '../../devnet/endpoints.ts';
import { Network, type NetworkNode } from '../../devnet/network.ts';
import { type PreparedNode, prepareDevnet } from '../../devnet/prepare.ts';
import { showLogLine } from '../../devnet/show-log-line.ts';
import { startArguments, startEnvironment } from '../../devnet/start-arguments.ts';
import { validatorCount } from '../../devnet/validators.ts';
import { NodeError, usageError } from '../../errors.ts';
import { createLogger } from '../../log/logger.ts';
import { orAborted, untilAborted } from '../../until-aborted.ts';
import type { CommandHandler } from '../command.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, print, printJson, say } from '../output.ts';
import { openProgress } from '../progress.ts';

/** Runs a local network until a signal; 0 when it stopped because it was asked to. */
export const devnet: CommandHandler = async (context, input) => {
  const options = parseDevnetOptions(input.options, context.cwd);
  const logLevel = parseLogLevel(input.options.logLevel);
  const report = (text: string) => say(context, text);
  const color = context.stderr.isTTY === true && context.env.NO_COLOR === undefined;
  await using dataDir = await openDataDir(options.dataDir, context.pid);
  const gateway = await chooseGateway(options.gateway, report);
  const metrics = await chooseMetrics(gateway);
  const progress = openProgress(context, 'importing', formatBytes);
  const prepared = await prepareDevnet(options, dataDir, {
    logger: createLogger({ level: 'warn', stream: context.stderr, color }),
    signal: context.signal,
    pid: context.pid,
    cwd: context.cwd,
    onImportProgress: progress.update,
  }).finally(progress.stop);
  if (prepared.missing.length > 0) {
    const parts = describeMissing(prepared.missing);
    report(`No node is to host ${parts}: requests are refused until a node that does joins with the invite.`);
  }

  await using links = new DelayedLinks(options.linkDelayMs);
  const network = new Network({}, { report, showLogLine: (line) => showLogLine(line, color), signal: context.signal });
  context.onForcedExit(() => network.kill());
  const commandOf = async (index: number, bootstrap: string | undefined): Promise<DaemonCommand> => {
    const node = prepared.nodes[index] as PreparedNode;
    const link = options.linkDelayMs > 0 ? await links.add() : undefined;
    const args = startArguments({
      ...node,
      modelRoot: options.model === undefined && node.hasServed ? undefined : prepared.modelRoot,
      listenPort: link?.listenPort ?? 0,
      announcePort: link?.announcePort,
      bootstrap,
      gateway: index === 0 ? gateway : 'off',
      metrics: index === 0 ? metrics : 'off',
      threads: options.threads ?? usualThreads(options.nodeCount),
      logLevel,
    });
    return {
      label: `node ${index}`,
      file: context.execPath,
      args: [context.mainPath, ...args],
      env: startEnvironment(context.env),
      logPath: join(node.dataDir, 'log'),
    };
  };
  try {
    const nodes = await orAborted(network.start(options.nodeCount, commandOf), context.signal);
    const coordinator = nodes[0] as NetworkNode;
    if (coordinator.gateway === null)
      throw new NodeError('ERR_NODE_GATEWAY', 'The coordinator came up without a gateway.');
    await orAborted(network.untilServing(coordinator.gateway, prepared.missing), context.signal);
    await writeRunFile(dataDir.root, context.pid, { ...coordinator, metrics: null });
    announce(context, coordinator, nodes, prepared.nodes, input.options.json === true);
    await Promise.race([untilAborted(context.signal), network.allGone()]);
    if (!context.signal.aborted) throw new NodeError('ERR_NODE_CHILD_FAILED', 'Every daemon of the network is gone.');
  } catch (error) {
    if (!context.signal.aborted) throw error;
  } finally {
    if (context.signal.aborted) report('stopping');
    await network.stop();
    await removeRunFile(dataDir.root);
  }
};

function announce(
  context: CliContext,
  coordinator: NetworkNode,
  nodes: readonly NetworkNode[],
  prepared: readonly PreparedNode[],
  json: boolean,
): void {
  const { gateway, peerId, invite, networkId } = coordinator;
  const hosts = nodes.map((node, index) => ({ peerId: node.peerId, pid: node.pid, host: prepared[index]?.host }));
  if (json) {
    printJson(context, { event: 'ready', gateway, peerId, invite, networkId, nodes: hosts });
    return;
  }
  for (const [index, node] of hosts.entries())
    say(context, `node ${index}  process ${node.pid}  ${node.peerId}  ${node.host}`);
  const validators = validatorCount(nodes.length);
  const who = validators === 1 ? 'node 0 alone validates' : `nodes 0 to ${validators - 1} validate`;
  say(context, `chain   ${who}; see ${gateway}/api/v1/chain/head or: npx blyan-node chain head`);
  say(context, 'Ctrl-C stops everything. In another terminal: npx blyan-node run | status | peers');
  print(context, `Ready: chat at ${gateway}`);
}

function parseLogLevel(value: unknown): string | undefined {
  if (value === undefined || LOG_LEVELS.some((level) => level === value)) return value as string | undefined;
  throw usageError(`--log-level: "${value}" is none of ${LOG_LEVELS.join(', ')}.`);
}
