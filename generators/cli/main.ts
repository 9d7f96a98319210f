#!/usr/bin/env node
import { version } from './version.js';

const argv = process.argv.slice(2);
// The version alone needs nothing else; with more words the command line is read, and refused where it is wrong.
if (argv.length === 1 && argv[0] === '--version') process.stdout.write(`${version}\n`);
else {
  const { main } = await import('./command.js');
  process.exitCode = await main(argv);
}
