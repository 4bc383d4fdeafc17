// Network figures of a container that has interfaces of its own; the host's, where it shares them, are not told as its.
import { readFileSync, readlinkSync } from 'node:fs';
import { isSystemError } from '../../src/linux/libc.js';

/** The same in both versions' messages. */
export interface NetworkFigures {
  readonly name: string;
  readonly rxBytes: bigint;
  readonly rxPackets: bigint;
  readonly rxErrors: bigint;
  readonly rxDropped: bigint;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
  readonly txErrors: bigint;
  readonly txDropped: bigint;
}

/** None when the process is gone or shares our network namespace. */
export function networkFiguresOf(pid: number): NetworkFigures[] {
  if (pid === 0) return [];
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) return [];
    return parseNetworkFigures(readFileSync(`/proc/${pid}/net/dev`, 'utf8'));
  } catch (error) {
    // EINVAL: a zombie has no network any more.
    if (isSystemError(error, 'ENOENT', 'ESRCH', 'EINVAL')) return [];
    throw error;
  }
}

/** Parses /proc/PID/net/dev, two lines of heading included; the loopback interface is left out. */
export function parseNetworkFigures(text: string): NetworkFigures[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*([^:|]+):\s*((?:\d+\s*){16})$/.exec(line);
    const name = match?.[1] ?? 'lo';
    if (name === 'lo') return [];
    const figures = (match?.[2] ?? '').trim().split(/\s+/).map(BigInt);
    const at = (index: number): bigint => figures[index] ?? 0n;
    return [
      {
        name,
        rxBytes: at(0),
        rxPackets: at(1),
        rxErrors: at(2),
        rxDropped: at(3),
        txBytes: at(8),
        txPackets: at(9),
        txErrors: at(10),
        txDropped: at(11),
      },
    ];
  });
}
