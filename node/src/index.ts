export { type ConfigInput, type LoadedConfig, loadConfig } from './config/load-config.ts';
export { LOG_LEVELS, type LogLevel, type NodeConfig, PROVIDERS, type Provider } from './config/node-config.ts';
export type { CreateNode, NodeDaemon, NodeDaemonDeps, ReadyInfo } from './daemon-port.ts';
export { type DataDir, type DataDirPaths, dataDirPaths, openDataDir } from './data-dir/data-dir.ts';
export { ensurePrivateGenesis, readGenesisFile } from './data-dir/genesis-file.ts';
export { findModel, listModels } from './data-dir/models.ts';
export { NodeError, type NodeErrorCode } from './errors.ts';
export { VERSION } from './version.ts';
