import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is asked: an address, or Lua that gives the path of the n-th request of a thread. */
export interface Load {
  url: string;
  /** Where nginx is; the address in `url` says only how it is called. */
  ip: string;
  connections: number;
  seconds: number;
  path?: string;
  headers?: Record<string, string>;
}

export interface Measured {
  requests: number;
  perSecond: number;
  /** Median, in milliseconds. */
  latency: number;
  bytes: number;
}

const folder = mkdtempSync(join(tmpdir(), 'osgs-wrk-'));

/** Runs wrk once. An answer that is not 2xx or 3xx, or none, is an error: its speed would say nothing. */
export function wrk({ url, ip, connections, seconds, path, headers = {} }: Load): Measured {
  const script = join(folder, 'load.lua');
  writeFileSync(
    script,
    `local lookup = wrk.lookup
wrk.lookup = function(_, service) return lookup(${JSON.stringify(ip)}, service) end
${
  path === undefined
    ? ''
    : `local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", ${path})
end`
}
done = function(summary, latency)
  local e = summary.errors
  io.stderr:write(string.format("%d %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), e.connect + e.read + e.write + e.status + e.timeout))
end
`,
  );
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', script];
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`);
  const ran = spawnSync('wrk', [...args, url], { encoding: 'utf8', timeout: (seconds + 60) * 1000 });
  if (ran.error) throw ran.error;
  const figures = /^(\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(ran.stderr)?.slice(1).map(Number);
  if (ran.status !== 0 || !figures) throw new Error(`wrk ${url}: ${ran.stdout}${ran.stderr}`);
  const [requests = 0, duration = 1, bytes = 0, latency = 0, errors = 0] = figures;
  if (errors > 0 || requests === 0) throw new Error(`${url}: ${errors} of ${requests} failed\n${ran.stdout}`);
  return { requests, perSecond: (requests / duration) * 1e6, latency: latency / 1000, bytes };
}

/** The middle one. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
