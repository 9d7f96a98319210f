import { readFileSync } from 'node:fs';
import { run } from '../run.js';

/** A process of a container, by the kernel's own words. */
export interface Process {
  uid: number;
  /** Effective capabilities. */
  capabilities: string[];
  /** What a program that it starts could have at most. */
  bounding: string[];
  noNewPrivileges: number;
  /** 2: calls are filtered. */
  seccomp: number;
}

/** By their numbers in linux/capability.h. */
const names = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP'],
  ...[
    'LINUX_IMMUTABLE',
    'NET_BIND_SERVICE',
    'NET_BROADCAST',
    'NET_ADMIN',
    'NET_RAW',
    'IPC_LOCK',
    'IPC_OWNER',
  ],
  ...[
    'SYS_MODULE',
    'SYS_RAWIO',
    'SYS_CHROOT',
    'SYS_PTRACE',
    'SYS_PACCT',
    'SYS_ADMIN',
    'SYS_BOOT',
    'SYS_NICE',
  ],
  ...[
    'SYS_RESOURCE',
    'SYS_TIME',
    'SYS_TTY_CONFIG',
    'MKNOD',
    'LEASE',
    'AUDIT_WRITE',
    'AUDIT_CONTROL',
    'SETFCAP',
  ],
  ...['MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF'],
  'CHECKPOINT_RESTORE',
];

function capabilities(mask: string): string[] {
  const bits = BigInt(`0x${mask}`);
  return Array.from({ length: 64 }, (_, bit) =>
    (bits >> BigInt(bit)) & 1n ? (names[bit] ?? `bit ${bit}`) : '',
  )
    .filter(Boolean)
    .sort();
}

function status(pid: number): Process {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): string[] =>
    (new RegExp(`^${name}:\\t(.*)$`, 'm').exec(text)?.[1] ?? '').split(/\s+/);
  return {
    uid: Number(field('Uid')[1]),
    capabilities: capabilities(field('CapEff')[0] ?? '0'),
    bounding: capabilities(field('CapBnd')[0] ?? '0'),
    noNewPrivileges: Number(field('NoNewPrivs')[0]),
    seccomp: Number(field('Seccomp')[0]),
  };
}

/**
 * The processes of a container that runs on this host: the first one, by its number here, and its descendants. What
 * `docker exec` or a health check started is no descendant of it.
 */
export function processesOf(container: string, first: number): Process[] {
  const lines = run('docker', ['top', container, '-eo', 'pid,ppid']).stdout.trim().split('\n').slice(1);
  const parents = new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
  const descends = (pid: number): boolean =>
    pid === first || (parents.has(pid) && descends(parents.get(pid) ?? 0));
  return [...parents.keys()].filter(descends).flatMap((pid) => {
    try {
      return [status(pid)];
    } catch {
      // It has ended since.
      return [];
    }
  });
}
