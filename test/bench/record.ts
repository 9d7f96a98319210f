// Loaded before the command line: writes the peak resident memory, in KiB, when the process ends.
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  const file = process.env.OSGS_BENCH_RECORD;
  if (file) writeFileSync(file, String(process.resourceUsage().maxRSS));
});
