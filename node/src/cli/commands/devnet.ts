import type { CommandSpec } from '../command.ts';

export const devnet: CommandSpec = {
  name: 'devnet',
  summary: 'Run a whole network on this machine: several daemons, each its own process, and a gateway',
  settings: ['logLevel'],
  options: [
    { flags: '--nodes <n>', help: 'number of daemons, 1 to 16 (default: 3)' },
    {
      flags: '--model <name|dir>',
      help: 'model imported before, or a Hugging Face folder (default: the genesis model)',
    },
    { flags: '--host <spec;spec;...>', help: 'blocks of each daemon, one SPEC per node (default: shared out evenly)' },
    { flags: '--data-dir <dir>', help: 'where the network lives; kept between runs (default: ./.blyan/devnet)' },
    { flags: '--gateway <host:port>', help: 'where to serve HTTP (default: 127.0.0.1:4700, or a free port)' },
    { flags: '--link-delay-ms <ms>', help: 'round-trip time added to every link between nodes' },
    {
      flags: '--threads <n>',
      help: 'threads of each daemon that compute (default: they share the cores but one)',
    },
    { flags: '--json', help: 'print the ready event as JSON' },
  ],
  examples: [
    'devnet                                       three daemons and a chat page',
    "devnet --nodes 2 --host 'trunk,embedding,head;trunk,experts:*.0-7'",
    'devnet --model ./OLMoE-1B-7B --link-delay-ms 20',
  ],
  load: async () => (await import('../handlers/devnet.ts')).devnet,
};
