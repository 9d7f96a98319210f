import type { Comparison } from './compare.js';

/** A run on a stack of generated services. */
export interface Rerun {
  services: number;
  domains: number;
  files: number;
  run: string;
  /** Wall time in milliseconds, the smallest of three runs. */
  ms: number;
  /** Peak resident memory in MiB. */
  mib: number;
}

/** The content of `results.json`. */
export interface Results {
  /** The versions of Node of the two parts. */
  node: { compared: string; reruns: string };
  cores: number;
  compared: Comparison[];
  reruns: Rerun[];
}

export function median(values: number[] = []): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (Number.isInteger(middle)) {
    const [low, high] = [sorted[middle - 1], sorted[middle]];
    return low === undefined || high === undefined ? undefined : (low + high) / 2;
  }
  return sorted[Math.floor(middle)];
}
