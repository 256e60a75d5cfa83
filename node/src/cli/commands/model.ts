import { CONFIG_OPTION, type CommandSpec, JSON_OPTION } from '../command.ts';

export const model: CommandSpec = {
  name: 'model',
  summary: 'Import, list, show and verify models',
  commands: [
    {
      name: 'import',
      summary: 'Turn a Hugging Face checkpoint folder into blocks',
      arguments: [{ name: '<dir>', help: 'folder with config.json, *.safetensors and tokenizer.json' }],
      settings: ['dataDir'],
      options: [
        { flags: '--name <name>', help: 'name of the model (default: the name of the folder)' },
        {
          flags: '--dtype <dtype>',
          help: 'how weights are stored (default: f32)',
          choices: ['f32', 'source', 'i8', 'i4'],
        },
        CONFIG_OPTION,
        JSON_OPTION,
      ],
      examples: ['model import ./OLMoE-1B-7B --dtype i8', 'model import ./tiny-mixtral --name tiny --data-dir ./data'],
      load: async () => (await import('../handlers/model-import.ts')).modelImport,
    },
    {
      name: 'ls',
      summary: 'List the models of the data folder',
      settings: ['dataDir'],
      options: [CONFIG_OPTION, JSON_OPTION],
      load: async () => (await import('../handlers/model-ls.ts')).modelLs,
    },
    {
      name: 'show',
      summary: 'Show the spec and the blocks of a model',
      arguments: [{ name: '<model>', help: 'name or root' }],
      settings: ['dataDir'],
      options: [CONFIG_OPTION, JSON_OPTION],
      load: async () => (await import('../handlers/model-show.ts')).modelShow,
    },
    {
      name: 'verify',
      summary: 'Hash every stored block of a model; exit code 1 when one is missing or damaged',
      arguments: [{ name: '<model>', help: 'name or root' }],
      settings: ['dataDir'],
      options: [CONFIG_OPTION, JSON_OPTION],
      load: async () => (await import('../handlers/model-verify.ts')).modelVerify,
    },
  ],
};
