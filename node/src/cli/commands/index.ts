import { SETTINGS } from '../../config/settings.ts';
import type { CommandSpec } from '../command.ts';
import { account, login, logout } from './account.ts';
import { bench } from './bench.ts';
import { block } from './block.ts';
import { chain } from './chain.ts';
import { config } from './config.ts';
import { devnet } from './devnet.ts';
import { doctor } from './doctor.ts';
import { genesis } from './genesis.ts';
import { invite } from './invite.ts';
import { keys } from './keys.ts';
import { ledger } from './ledger.ts';
import { model } from './model.ts';
import { peers } from './peers.ts';
import { run } from './run.ts';
import { start } from './start.ts';
import { status } from './status.ts';
import { tx } from './tx.ts';
import { version } from './version.ts';

/** Of `blyan-node`. */
export const NODE_COMMANDS: readonly CommandSpec[] = [
  start,
  devnet,
  model,
  block,
  run,
  status,
  peers,
  invite,
  doctor,
  chain,
  tx,
  login,
  logout,
  account,
  ledger,
  bench,
  keys,
  genesis,
  config(SETTINGS.map(({ key }) => key)),
  version,
];
