// (7) List, ListStream and Get with 1,000 container records. The answers stay bytes: what the client would make of them is
// the client's time.
import type { MethodDefinition } from '@grpc/grpc-js';
import { type Container, ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import type { TestDaemon } from '../helpers/daemon.js';
import { callRpc, type Method, streamRpc } from '../helpers/rpc.js';
import { eachOf } from './containers.js';
import { type Benchmark, compare, withDaemons } from './context.js';
import { timed } from './rounds.js';
import { wideClient } from './wide-client.js';

const atOnce = 8;
const getsPerRound = 100;

export const records: Benchmark = {
  name: 'records',
  title: 'List, ListStream and Get with 1,000 container records',
  run: async (context) =>
    await withDaemons(async (daemons) => {
      const count = context.size(1000, 100);
      const all = [daemons.berth, daemons.containerd];
      for (const daemon of all) await fill(daemon, count);
      const clients = new Map(all.map((daemon) => [daemon, wideClient(daemon)]));
      const clientOf = (daemon: TestDaemon) => clients.get(daemon) ?? daemon.client;
      const list = async (daemon: TestDaemon) =>
        await timed(async () => {
          const { namespace } = daemon;
          await callRpc(clientOf(daemon), inBytes(ContainersService.list), { filters: [] }, { namespace });
        });
      const listStream = async (daemon: TestDaemon) =>
        await timed(async () => await streamAll(daemon, clientOf(daemon), count));
      const get = async (daemon: TestDaemon, round: number) => await getMany(daemon, round, count);
      const target = { ratio: 1 };
      const row = { group: '7', unit: 'ms', target } as const;
      const rounds = { usual: 20, warmUps: 5 };
      const measured = [
        { ...row, name: `List of ${count} container records`, ...(await compare(context, rounds, daemons, list)) },
        { ...row, name: `ListStream of ${count}`, ...(await compare(context, rounds, daemons, listStream)) },
        { ...row, name: `Get among ${count}`, ...(await compare(context, rounds, daemons, get)) },
      ];
      for (const daemon of all) await empty(daemon, count);
      for (const client of clients.values()) client.close();
      return measured;
    }),
};

const idOf = (index: number) => `record-${index}`;
const indexes = (count: number) => Array.from({ length: count }, (_empty, index) => index);

/** Records as `ctr` makes them: it writes the first, and the others are its copies. */
async function fill(daemon: TestDaemon, count: number): Promise<void> {
  const made = await daemon.ctr(['container', 'create', '--rootfs', daemon.rootfs, idOf(0), '/bin/true']);
  if (made.code !== 0) throw new Error(`ctr container create: ${made.stderr}`);
  const { container } = await daemon.call(ContainersService.get, { id: idOf(0) });
  if (container === undefined) throw new Error('no container');
  await eachOf(indexes(count).slice(1), atOnce, async (index) => {
    const copy: Container = { ...container, id: idOf(index), createdAt: undefined, updatedAt: undefined };
    await daemon.call(ContainersService.create, { container: copy });
  });
}

async function empty(daemon: TestDaemon, count: number): Promise<void> {
  const ids = indexes(count).map(idOf);
  await eachOf(ids, atOnce, async (id) => void (await daemon.call(ContainersService.delete, { id })));
}

async function streamAll(daemon: TestDaemon, client: ReturnType<typeof wideClient>, count: number): Promise<void> {
  const { namespace } = daemon;
  const stream = streamRpc(client, inBytes(ContainersService.listStream), { filters: [] }, { namespace });
  const error = await stream.ended;
  if (error !== undefined) throw error;
  if (stream.received.length !== count) throw new Error(`${stream.received.length} records, not ${count}`);
}

/** Samples of single calls, one after the other. */
async function getMany(daemon: TestDaemon, round: number, count: number): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < getsPerRound; index++) {
    const id = idOf((Math.abs(round) * getsPerRound + index) % count);
    samples.push(await timed(async () => await daemon.call(inBytes(ContainersService.get), { id })));
  }
  return samples;
}

function inBytes<Request, Response>(method: MethodDefinition<Request, Response>): Method<Request, Buffer> {
  return { path: method.path, requestSerialize: method.requestSerialize, responseDeserialize: (bytes) => bytes };
}
