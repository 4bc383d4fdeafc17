// The kernel: its version, process file descriptors, namespaces, overlayfs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { openPidfd, readPidfdExit } from '../../linux/pidfd.js';
import { messageOf } from '../../domain/errors.js';
import { fail, type Finding, ok, warn } from './finding.js';

/** pidfd_open came with 5.3, waitid over pidfds with 5.4. */
const oldestKernel = { major: 5, minor: 4 };
const namespaces = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts'];

export async function checkKernel(): Promise<Finding[]> {
  return [checkVersion(release()), await checkPidfd(), checkNamespaces(), checkOverlay()];
}

export function checkVersion(text: string): Finding {
  const [major = 0, minor = 0] = text.split('.', 2).map(Number);
  const isOld = major < oldestKernel.major || (major === oldestKernel.major && minor < oldestKernel.minor);
  const oldest = `${oldestKernel.major}.${oldestKernel.minor}`;
  return isOld
    ? fail('kernel', `Linux ${text}`, `Berth needs Linux ${oldest} or newer`)
    : ok('kernel', `Linux ${text}`);
}

/** Tries it on a child that has ended and been reaped. */
async function checkPidfd(): Promise<Finding> {
  let fd: number | undefined;
  try {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    if (child.pid !== undefined) fd = openPidfd(child.pid);
    await ended;
    if (fd !== undefined && readPidfdExit(fd) !== undefined) return ok('pidfd', 'pidfd_open, PIDFD_GET_INFO with exit');
    const advice = 'Linux 6.15 or newer tells the exit status of a container whose shim died';
    return warn('pidfd', 'pidfd_open, but no exit status from PIDFD_GET_INFO', advice);
  } catch (error) {
    return fail('pidfd', messageOf(error), 'allow pidfd_open: a newer kernel, or a wider seccomp filter around berthd');
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function checkNamespaces(): Finding {
  const missing = namespaces.filter((name) => !existsSync(`/proc/self/ns/${name}`));
  if (missing.length === 0) return ok('namespaces', namespaces.join(', '));
  return fail('namespaces', `no ${missing.join(', ')}`, 'use a kernel that has these namespaces');
}

function checkOverlay(): Finding {
  const known = readFileSync('/proc/filesystems', 'utf8').split('\n');
  if (known.some((line) => line.endsWith('\toverlay'))) return ok('overlayfs', 'in this kernel');
  const advice =
    "run 'modprobe overlay'; without it every container has a copy of its image, by the native snapshotter";
  return warn('overlayfs', 'not in /proc/filesystems', advice);
}
