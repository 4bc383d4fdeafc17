// What containerd's clients put into a spec, which `ctr oci spec` prints: a shim reads one, and its words need to be made
// into strings of V8's only once.
const capabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

export const rehearsalSpec = {
  ociVersion: '1.0.2-dev',
  process: {
    user: { uid: 0, gid: 0 },
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  },
  root: { path: 'rootfs' },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    {
      destination: '/run',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
  ],
  linux: {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    cgroupsPath: '/rehearsal/rehearsal',
    namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }, { type: 'network' }],
    maskedPaths: [
      '/proc/acpi',
      '/proc/asound',
      '/proc/kcore',
      '/proc/keys',
      '/proc/latency_stats',
      '/proc/timer_list',
      '/proc/timer_stats',
      '/proc/sched_debug',
      '/sys/firmware',
      '/proc/scsi',
    ],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  },
  hostname: 'rehearsal',
};

const runcWords = [
  'Ambient Bounding Effective Inheritable Permitted NEWCGROUP NEWIPC NEWNET NEWNS NEWPID NEWUSER NEWUTS',
  'Rootless Systemd address blkio blkio_leaf_weight blkio_throttle_read_bps_device',
  'blkio_throttle_read_iops_device blkio_throttle_write_bps_device blkio_throttle_write_iops_device',
  'blkio_weight blkio_weight_device bridge cpu cpu_period cpu_quota cpu_rt_period cpu_rt_quota cpu_shares',
  'cpu_weight cpuacct cpuset cpuset_cpus cpuset_mems createContainer createRuntime created data device',
  'devices extensions external_descriptors file_mode flags freezer gateway gid_mappings hairpin_mode',
  'host_interface_name hostname hugetlb_limit init_process_start ipv6_address ipv6_gateway labels loopback',
  'm mac_address major mask_paths memory memory_reservation memory_swap memory_swappiness minor mount_label',
  'mtu name namespace_paths net_cls net_cls_classid_u net_prio net_prio_ifpriomap networks no_new_keyring',
  'no_new_privileges no_pivot_root oom_kill_disable parent_death_signal perf_event permissions pids',
  'pids_limit postmount_cmds poststart premount_cmds prestart propagation_flags rdma readonly_paths',
  'readonlyfs rec_attr relabel rootPropagation routes scope_prefix seccomp startContainer sysctl txqueuelen',
  'uid_mappings umask unified version',
].join(' ');

/** runc's state.json of a container without processes of its own, with the words that it has in it. */
export function rehearsalState(id: string, pid: string, group: string): string {
  const config = {
    ...Object.fromEntries(runcWords.split(' ').map((word) => [word, ''])),
    Hooks: { poststop: null },
    cgroups: { systemd: false },
  };
  const state = {
    id,
    init_process_pid: pid,
    config,
    rootless: false,
    cgroup_paths: { memory: group },
    intel_rdt_path: '',
  };
  return JSON.stringify(state).replace(JSON.stringify(pid), pid);
}
