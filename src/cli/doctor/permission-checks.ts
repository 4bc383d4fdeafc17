// What this process may do: berthd started from here could do as much.
import { readFileSync } from 'node:fs';
import { capabilitiesFromMask, readCapabilityMask } from '../spec/capabilities.js';
import { fail, type Finding, ok, warn } from './finding.js';

/** runc makes namespaces, mounts, devices and users' processes with these. */
const needed = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_ADMIN',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_ADMIN',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
];

export function checkPermissions(): Finding[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const capabilities = capabilitiesFromMask(readCapabilityMask(status, 'CapEff'));
  return [userFinding(process.geteuid?.() ?? 0), capabilityFinding(capabilities)];
}

function userFinding(uid: number): Finding {
  if (uid === 0) return ok('user', 'root');
  return warn('user', `uid ${uid}`, 'berthd has to run as root; berth itself needs only access to its socket');
}

export function capabilityFinding(capabilities: readonly string[]): Finding {
  const missing = needed.filter((name) => !capabilities.includes(name));
  if (missing.length > 0) {
    return fail('capabilities', `missing: ${missing.join(', ')}`, 'run berthd as root with all capabilities');
  }
  if (capabilities.includes('CAP_SYS_RESOURCE')) return ok('capabilities', 'all that runc needs');
  const advice = 'containers cannot get higher limits than berthd has, nor a lower OOM score';
  return warn('capabilities', 'no CAP_SYS_RESOURCE', advice);
}
