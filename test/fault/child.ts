// Adds a service to the stack in the working directory, and ends or fails at the given write to the disk.
// Arguments: kill|fail POINT. Yeoman's part is left out: it writes nothing before the transaction.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [how, point] = [process.argv[2], Number(process.argv[3])];
let count = 0;

type Call = (...args: never[]) => unknown;

function fault(): void {
  if (how === 'fail') throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
}

const calls = fs as unknown as Record<string, Call>;
const names = [
  'writeFileSync',
  'renameSync',
  'linkSync',
  'unlinkSync',
  'mkdirSync',
  'rmSync',
  'rmdirSync',
  'fsyncSync',
  'fchmodSync',
];
for (const name of names) {
  const real = calls[name]!;
  calls[name] = (...args: never[]) => {
    if (++count === point) fault();
    // A file may also be written in part.
    if (name === 'writeFileSync' && ++count === point) {
      const [file, content] = args as unknown as [fs.PathOrFileDescriptor, string];
      (real as unknown as typeof fs.writeFileSync)(file, content.slice(0, content.length / 2));
      fault();
    }
    return real(...args);
  };
}
syncBuiltinESMExports();

const { loadCatalog } = await import('../../catalog/load.js');
const { planWithDefaults, plannedWrites } = await import('../../generators/app/plan.js');
const { carryOut } = await import('../../generators/repository/transaction.js');
const { parseCommandLine } = await import('../../generators/cli/arguments.js');
const { inSession } = await import('../../generators/cli/session.js');
const { parseAnswers } = await import('../../generators/stack/answers.js');
const { addServices } = await import('../../generators/stack/change-services.js');

const catalog = loadCatalog();
await inSession('.', parseCommandLine(['add', 'martin', '--yes']), ({ directory }) => {
  const { answers } = parseAnswers(fs.readFileSync('osgs.yaml', 'utf8'), 'osgs.yaml');
  const known = addServices(answers as never, ['martin'], catalog);
  const plan = planWithDefaults({ directory, catalog, version: '0.1.0', known });
  carryOut(directory, 'add martin', plannedWrites(plan), plan.seen);
  return Promise.resolve(0);
});
console.log(count);
