// All commands: a file and a line here each. A command's module is loaded only when it is called.
import type { CommandDefinition } from './session.js';

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<CommandDefinition>;
}

/** Commands that have commands of their own; `aliases` are what users of ctr and docker type. */
export const groups: Readonly<Record<string, { readonly summary: string; readonly aliases: readonly string[] }>> = {
  containers: { summary: 'Container records', aliases: ['container', 'c'] },
  tasks: { summary: 'Running containers and their processes', aliases: ['task', 't'] },
  namespaces: { summary: 'Namespaces', aliases: ['namespace', 'ns'] },
  exits: { summary: 'How processes ended, kept beyond their containers', aliases: ['exit'] },
  images: { summary: 'Images: names, platforms, archives', aliases: ['image', 'i'] },
  content: { summary: 'Blobs that images are made of', aliases: [] },
  snapshots: { summary: 'Unpacked layers, and what containers write', aliases: ['snapshot'] },
  leases: { summary: 'What keeps things from garbage collection for a while', aliases: ['lease'] },
  checkpoint: { summary: 'Checkpoints of containers, and restores', aliases: ['checkpoints', 'cp'] },
  metadata: { summary: 'Values that Berth keeps beside containers', aliases: [] },
  api: { summary: "Any call of the daemon's gRPC API", aliases: [] },
};

export const commands: Readonly<Record<string, CommandEntry>> = {
  run: { summary: 'Create and start a container', load: async () => (await import('./commands/run.js')).run },
  create: {
    summary: 'Create a container without starting it',
    load: async () => (await import('./commands/create.js')).create,
  },
  start: {
    summary: 'Start containers that are created or stopped',
    load: async () => (await import('./commands/start.js')).start,
  },
  exec: {
    summary: 'Run a command in a running container',
    load: async () => (await import('./commands/exec.js')).exec,
  },
  attach: {
    summary: 'Join the streams of a running container',
    load: async () => (await import('./commands/attach.js')).attach,
  },
  ps: { summary: 'List running containers', load: async () => (await import('./commands/ps.js')).ps },
  top: { summary: 'List the processes in a container', load: async () => (await import('./commands/top.js')).top },
  stats: {
    summary: 'Show what containers use, as it goes on',
    load: async () => (await import('./commands/stats.js')).stats,
  },
  stop: { summary: 'Stop containers', load: async () => (await import('./commands/stop.js')).stop },
  kill: { summary: 'Send a signal to a container', load: async () => (await import('./commands/kill.js')).kill },
  wait: { summary: 'Wait for containers to end', load: async () => (await import('./commands/wait.js')).wait },
  rm: { summary: 'Remove containers', load: async () => (await import('./commands/rm.js')).rm },
  pause: { summary: 'Pause containers', load: async () => (await import('./commands/pause.js')).pause },
  resume: { summary: 'Resume paused containers', load: async () => (await import('./commands/resume.js')).resume },
  update: {
    summary: 'Change the limits of running containers',
    load: async () => (await import('./commands/update.js')).update,
  },
  commit: {
    summary: 'Make an image of what a container has changed',
    load: async () => (await import('./commands/commit.js')).commit,
  },
  export: {
    summary: "Write a container's root filesystem as a tar",
    load: async () => (await import('./commands/export.js')).exportContainer,
  },
  mount: {
    summary: "Show containers' root filesystems on this host",
    load: async () => (await import('./commands/mount.js')).mount,
  },
  unmount: {
    summary: 'Take away what mount shows',
    load: async () => (await import('./commands/unmount.js')).unmount,
  },
  events: { summary: 'Follow the events', load: async () => (await import('./commands/events.js')).events },
  explain: {
    summary: 'Tell what happened to a container',
    load: async () => (await import('./commands/explain.js')).explain,
  },
  pull: { summary: 'Fetch an image from a registry', load: async () => (await import('./commands/pull.js')).pull },
  push: { summary: 'Send an image to a registry', load: async () => (await import('./commands/push.js')).push },
  'images ls': { summary: 'List images', load: async () => (await import('./commands/images-ls.js')).imagesLs },
  'images inspect': {
    summary: 'Show images in full, with their configuration',
    load: async () => (await import('./commands/images-inspect.js')).imagesInspect,
  },
  'images tag': {
    summary: 'Give an image one more name',
    load: async () => (await import('./commands/images-tag.js')).imagesTag,
  },
  'images import': {
    summary: 'Take images from an archive',
    load: async () => (await import('./commands/images-import.js')).imagesImport,
  },
  'images export': {
    summary: 'Write images to an archive',
    load: async () => (await import('./commands/images-export.js')).imagesExport,
  },
  'images rm': { summary: 'Remove images', load: async () => (await import('./commands/images-rm.js')).imagesRm },
  'content ls': { summary: 'List blobs', load: async () => (await import('./commands/content-ls.js')).contentLs },
  'content get': {
    summary: 'Write a blob to standard output',
    load: async () => (await import('./commands/content-get.js')).contentGet,
  },
  'content rm': { summary: 'Remove blobs', load: async () => (await import('./commands/content-rm.js')).contentRm },
  'content ingests': {
    summary: 'List unfinished writes, or give them up',
    load: async () => (await import('./commands/content-ingests.js')).contentIngests,
  },
  'snapshots ls': {
    summary: 'List snapshots',
    load: async () => (await import('./commands/snapshots-ls.js')).snapshotsLs,
  },
  'snapshots inspect': {
    summary: 'Show snapshots with their mounts and sizes',
    load: async () => (await import('./commands/snapshots-inspect.js')).snapshotsInspect,
  },
  'snapshots rm': {
    summary: 'Remove snapshots',
    load: async () => (await import('./commands/snapshots-rm.js')).snapshotsRm,
  },
  'leases ls': { summary: 'List leases', load: async () => (await import('./commands/leases-ls.js')).leasesLs },
  'leases create': {
    summary: 'Create a lease',
    load: async () => (await import('./commands/leases-create.js')).leasesCreate,
  },
  'leases rm': { summary: 'End leases', load: async () => (await import('./commands/leases-rm.js')).leasesRm },
  gc: { summary: 'Collect garbage now', load: async () => (await import('./commands/gc.js')).gc },
  'exits ls': { summary: 'List exits', load: async () => (await import('./commands/exits-ls.js')).exitsLs },
  'exits get': {
    summary: 'Show how a process ended',
    load: async () => (await import('./commands/exits-get.js')).exitsGet,
  },
  'containers ls': {
    summary: 'List container records',
    load: async () => (await import('./commands/containers-ls.js')).containersLs,
  },
  'containers inspect': {
    summary: 'Show containers in full, with their spec',
    load: async () => (await import('./commands/containers-inspect.js')).containersInspect,
  },
  'containers label': {
    summary: "Set or remove a container's labels",
    load: async () => (await import('./commands/containers-label.js')).containersLabel,
  },
  'containers rm': {
    summary: 'Remove container records that have no task',
    load: async () => (await import('./commands/containers-rm.js')).containersRm,
  },
  'tasks ls': { summary: 'List tasks', load: async () => (await import('./commands/tasks-ls.js')).tasksLs },
  'tasks ps': {
    summary: "List a task's processes",
    load: async () => (await import('./commands/tasks-ps.js')).tasksPs,
  },
  'namespaces ls': {
    summary: 'List namespaces',
    load: async () => (await import('./commands/namespaces-ls.js')).namespacesLs,
  },
  'namespaces create': {
    summary: 'Create a namespace',
    load: async () => (await import('./commands/namespaces-create.js')).namespacesCreate,
  },
  'namespaces label': {
    summary: "Set or remove a namespace's labels",
    load: async () => (await import('./commands/namespaces-label.js')).namespacesLabel,
  },
  'namespaces rm': {
    summary: 'Remove empty namespaces',
    load: async () => (await import('./commands/namespaces-rm.js')).namespacesRm,
  },
  'checkpoint create': {
    summary: 'Dump a container into the catalogue',
    load: async () => (await import('./commands/checkpoint-create.js')).checkpointCreate,
  },
  'checkpoint ls': {
    summary: 'List checkpoints',
    load: async () => (await import('./commands/checkpoint-ls.js')).checkpointLs,
  },
  'checkpoint inspect': {
    summary: 'Show checkpoints in full, with every file',
    load: async () => (await import('./commands/checkpoint-inspect.js')).checkpointInspect,
  },
  'checkpoint verify': {
    summary: 'Compare checkpoints with their digests',
    load: async () => (await import('./commands/checkpoint-verify.js')).checkpointVerify,
  },
  'checkpoint rm': {
    summary: 'Remove checkpoints',
    load: async () => (await import('./commands/checkpoint-rm.js')).checkpointRm,
  },
  'checkpoint restore': {
    summary: 'Bring a container back',
    load: async () => (await import('./commands/checkpoint-restore.js')).checkpointRestore,
  },
  'containers dirs': {
    summary: "Show a container's own directories on the host",
    load: async () => (await import('./commands/containers-dirs.js')).containersDirs,
  },
  'metadata ls': {
    summary: "List a container's metadata",
    load: async () => (await import('./commands/metadata-ls.js')).metadataLs,
  },
  'metadata get': {
    summary: 'Write one value as it is',
    load: async () => (await import('./commands/metadata-get.js')).metadataGet,
  },
  'metadata set': {
    summary: 'Keep a value beside a container',
    load: async () => (await import('./commands/metadata-set.js')).metadataSet,
  },
  'metadata rm': {
    summary: 'Remove values',
    load: async () => (await import('./commands/metadata-rm.js')).metadataRm,
  },
  'api ls': { summary: 'List services and methods', load: async () => (await import('./commands/api-ls.js')).apiLs },
  'api call': {
    summary: 'Call a method with JSON',
    load: async () => (await import('./commands/api-call.js')).apiCall,
  },
  version: {
    summary: 'Show the versions of berth and berthd',
    load: async () => (await import('./commands/version.js')).version,
  },
  info: { summary: 'Show what the daemon is and holds', load: async () => (await import('./commands/info.js')).info },
  check: {
    summary: 'Hold what the daemon has against its invariants, and mend it',
    load: async () => (await import('./commands/check.js')).check,
  },
  shutdown: { summary: 'End the daemon', load: async () => (await import('./commands/shutdown.js')).shutdown },
  doctor: {
    summary: 'Check what this host has and lacks',
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
};
