import { describe, expect, test } from 'vitest';
import type { CommandSpec } from '../src/cli/command.ts';
import { NODE_COMMANDS } from '../src/cli/commands/index.ts';
import { cli } from './test-context.ts';

function leaves(
  specs: readonly CommandSpec[],
  prefix: readonly string[] = [],
): { path: string[]; spec: CommandSpec }[] {
  return specs.flatMap((spec) => {
    const path = [...prefix, spec.name];
    return [...(spec.load === undefined ? [] : [{ path, spec }]), ...leaves(spec.commands ?? [], path)];
  });
}

describe('the command line', () => {
  test('has exactly the commands that are promised', () => {
    expect(leaves(NODE_COMMANDS).map(({ path }) => path.join(' '))).toEqual([
      'start',
      'devnet',
      'model import',
      'model ls',
      'model show',
      'model verify',
      'block verify',
      'block show',
      'block prove',
      'run',
      'status',
      'peers',
      'invite',
      'doctor',
      'chain head',
      'chain block',
      'chain record',
      'chain proof',
      'chain verify',
      'chain snapshot',
      'chain export',
      'chain import',
      'tx send transfer',
      'tx send node',
      'tx send model',
      'tx send expert',
      'tx show',
      'login',
      'logout',
      'account',
      'account statement',
      'account keys',
      'account revoke',
      'ledger trial-balance',
      'ledger verify',
      'ledger top-up',
      'bench',
      'keys',
      'keys address',
      'keys create',
      'keys export',
      'keys import',
      'genesis build',
      'genesis verify',
      'config show',
      'version',
    ]);
  });

  test.each(
    leaves(NODE_COMMANDS).map(({ path, spec }) => [path.join(' '), spec] as const),
  )('"%s" has a handler', async (_, spec) => {
    expect(await spec.load?.()).toBeTypeOf('function');
  });

  test('start has every flag of its interface', async () => {
    const { code, stdout } = await cli(['start', '--help']);
    expect(code).toBe(0);
    const flags =
      '--data-dir --model --host --listen --announce --bootstrap --no-mdns --gateway --metrics --config --json';
    for (const flag of flags.split(' ')) expect(stdout).toContain(flag);
    expect(stdout).toContain('Examples:');
  });

  test('devnet has every flag of its interface', async () => {
    const { stdout } = await cli(['devnet', '--help']);
    const flags = '--nodes --model --host --data-dir --gateway --link-delay-ms --threads --json';
    for (const flag of flags.split(' ')) expect(stdout).toContain(flag);
  });
});

describe('exit codes', () => {
  test.each([
    [['--help'], 0],
    [['version'], 0],
    [[], 2],
    [['model'], 2],
    [['nonsense'], 2],
    [['start', '--nonsense'], 2],
    [['start', '--model'], 2],
    [['start', 'surplus'], 2],
    [['version', 'surplus'], 2],
    [['block', 'verify'], 2],
    [['block', 'verify', 'no-root-in-this-name.tb'], 2],
    [['block', 'show', '/does/not/exist.tb'], 1],
    [['block', 'prove', '/does/not/exist.tb'], 2],
    [['block', 'prove', '/does/not/exist.tb', '--subtile', 'x'], 2],
    [['model', 'import', '/does/not/exist', '--dtype', 'f8'], 2],
    [['devnet', '--nodes', '0'], 2],
    [['devnet', '--nodes', '2.5'], 2],
    [['devnet', '--nodes', '3', '--host', 'all;none'], 2],
    [['devnet', '--nodes', '2', '--host', 'all;nonsense'], 2],
    [['devnet', '--gateway', 'off'], 2],
    [['devnet', '--link-delay-ms', '-1'], 2],
    [['devnet', '--threads', '0'], 2],
    [['start', '--gateway', 'nonsense'], 2],
    [['start', '--host', 'nonsense'], 2],
    [['start', '--listen', 'nonsense'], 2],
    [['start', '--bootstrap', 'nonsense'], 2],
    [['run', '--gateway', 'ftp://x'], 2],
  ])('%j gives %i', async (argv, expected) => {
    const result = await cli(argv);
    expect(result.code).toBe(expected);
    if (expected !== 0) {
      expect(result.stdout).toBe('');
      expect(result.stderr).not.toBe('');
    }
  });

  test('a mistyped flag or command is answered with the likely one', async () => {
    expect((await cli(['start', '--gatway', 'off'])).stderr).toContain('--gateway');
    expect((await cli(['devent'])).stderr).toContain('devnet');
  });

  test('version --json is one document on stdout', async () => {
    const { stdout, stderr } = await cli(['version', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ version: expect.any(String), node: process.versions.node });
    expect(stderr).toBe('');
  });
});
