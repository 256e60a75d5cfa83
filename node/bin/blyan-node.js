#!/usr/bin/env node
import { launch } from './launch.js';

await launch('blyan-node', 'main', ['start', 'devnet']);
