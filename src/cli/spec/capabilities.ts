// Linux capabilities by number, as the masks of /proc/PID/status have them.
const names = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
];

/** Names with the CAP_ prefix; bits that are newer than this list are left out. */
export function capabilitiesFromMask(mask: bigint): string[] {
  return names.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n).map((name) => `CAP_${name}`);
}

/** One of the masks in the text of /proc/PID/status; 0 where it is not there. */
export function readCapabilityMask(status: string, set: 'CapBnd' | 'CapEff'): bigint {
  const match = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status);
  return BigInt(`0x${match?.[1] ?? '0'}`);
}
