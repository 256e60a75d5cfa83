import { readFile } from 'node:fs/promises';
import { checkAll, checkStore } from './check.ts';

// `after-full.ts DIR HEARD`: what is wrong with a store whose node said what is in the file, a line each.
const [dir = '', heard = ''] = process.argv.slice(2);
const lines = (await readFile(heard, 'utf8')).split('\n');
const acknowledged = lines.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
const { problems } = await checkStore(dir, acknowledged, 0);
const all = await checkAll(dir);
for (const problem of [...problems, ...all.problems]) process.stdout.write(`${problem}\n`);
