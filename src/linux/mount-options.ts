// fstab's option strings to mount(2)'s flags and data. Pure.

export const mountFlags = {
  MS_RDONLY: 0x1,
  MS_NOSUID: 0x2,
  MS_NODEV: 0x4,
  MS_NOEXEC: 0x8,
  MS_SYNCHRONOUS: 0x10,
  MS_REMOUNT: 0x20,
  MS_MANDLOCK: 0x40,
  MS_DIRSYNC: 0x80,
  MS_NOATIME: 0x400,
  MS_NODIRATIME: 0x800,
  MS_BIND: 0x1000,
  MS_REC: 0x4000,
  MS_SILENT: 0x8000,
  MS_UNBINDABLE: 0x2_0000,
  MS_PRIVATE: 0x4_0000,
  MS_SLAVE: 0x8_0000,
  MS_SHARED: 0x10_0000,
  MS_RELATIME: 0x20_0000,
  MS_STRICTATIME: 0x100_0000,
} as const;

const f = mountFlags;

/** [set, cleared] per option; everything else is the file system's own. */
const table: Readonly<Record<string, readonly [number, number]>> = {
  async: [0, f.MS_SYNCHRONOUS],
  atime: [0, f.MS_NOATIME],
  bind: [f.MS_BIND, 0],
  defaults: [0, 0],
  dev: [0, f.MS_NODEV],
  diratime: [0, f.MS_NODIRATIME],
  dirsync: [f.MS_DIRSYNC, 0],
  exec: [0, f.MS_NOEXEC],
  mand: [f.MS_MANDLOCK, 0],
  noatime: [f.MS_NOATIME, 0],
  nodev: [f.MS_NODEV, 0],
  nodiratime: [f.MS_NODIRATIME, 0],
  noexec: [f.MS_NOEXEC, 0],
  nomand: [0, f.MS_MANDLOCK],
  norelatime: [0, f.MS_RELATIME],
  nostrictatime: [0, f.MS_STRICTATIME],
  nosuid: [f.MS_NOSUID, 0],
  private: [f.MS_PRIVATE, 0],
  rbind: [f.MS_BIND | f.MS_REC, 0],
  relatime: [f.MS_RELATIME, 0],
  remount: [f.MS_REMOUNT, 0],
  ro: [f.MS_RDONLY, 0],
  rprivate: [f.MS_PRIVATE | f.MS_REC, 0],
  rshared: [f.MS_SHARED | f.MS_REC, 0],
  rslave: [f.MS_SLAVE | f.MS_REC, 0],
  runbindable: [f.MS_UNBINDABLE | f.MS_REC, 0],
  rw: [0, f.MS_RDONLY],
  shared: [f.MS_SHARED, 0],
  slave: [f.MS_SLAVE, 0],
  strictatime: [f.MS_STRICTATIME, 0],
  suid: [0, f.MS_NOSUID],
  sync: [f.MS_SYNCHRONOUS, 0],
  unbindable: [f.MS_UNBINDABLE, 0],
};

const propagationTypes = f.MS_SHARED | f.MS_PRIVATE | f.MS_SLAVE | f.MS_UNBINDABLE;

export interface ParsedMountOptions {
  readonly flags: number;
  /** Flags of a second call that sets the propagation; 0 for none. The kernel takes them in no other company. */
  readonly propagation: number;
  readonly data: string;
}

export function parseMountOptions(options: readonly string[]): ParsedMountOptions {
  let flags = 0;
  let propagation = 0;
  const data: string[] = [];
  for (const option of options) {
    const entry = Object.hasOwn(table, option) ? table[option] : undefined;
    if (entry === undefined) {
      if (option !== '') data.push(option);
    } else if ((entry[0] & propagationTypes) === 0) {
      flags = (flags | entry[0]) & ~entry[1];
    } else {
      propagation = entry[0];
    }
  }
  return { flags, propagation, data: data.join(',') };
}
