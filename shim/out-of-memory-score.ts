// Keeps the kernel from choosing the shim when memory is short, as containerd does for its own.
import { writeFileSync } from 'node:fs';

const score = -999;

/** Only for a container that sets its own score: another would inherit this one. Needs CAP_SYS_RESOURCE; else no harm. */
export function protectFromOutOfMemory(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(score));
  } catch {
    // Not permitted: the shim then is as likely a victim as any process of its size.
  }
}
