import { runChecks } from '../../doctor/run-checks.ts';
import type { CommandHandler } from '../command.ts';
import { EXIT_ERROR, EXIT_OK } from '../exit-code.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { print, printJson } from '../output.ts';

/** One line per finding; exit code 1 when one is `fail`, warnings do not count. */
export const doctor: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const findings = [];
  for await (const finding of runChecks({ config, nodeVersion: context.nodeVersion, signal: context.signal })) {
    findings.push(finding);
    if (config.json) continue;
    print(context, `${finding.level.padEnd(4)}  ${finding.check}: ${finding.message}`);
    if (finding.fix !== undefined) print(context, `      -> ${finding.fix}`);
  }
  const healthy = findings.every((finding) => finding.level !== 'fail');
  if (config.json) printJson(context, { ok: healthy, findings });
  return healthy ? EXIT_OK : EXIT_ERROR;
};
