// A small service with every shape of call, and a server for it on a unix socket in a directory of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Any } from '../../../src/generated/google/protobuf/any.js';
import { type ConnectTtrpcOptions, connectTtrpc, type TtrpcConnection } from '../../../src/ttrpc/client.js';
import { implement, type Implementation, serveTtrpc, type TtrpcServer } from '../../../src/ttrpc/server.js';

const method = <N extends string, Q extends boolean, R extends boolean>(name: N, requestStream: Q, responseStream: R) =>
  ({ name, requestType: Any, requestStream, responseType: Any, responseStream, options: {} }) as const;

/** As ts-proto writes them. */
export const EchoDefinition = {
  name: 'Echo',
  fullName: 'berth.test.v1.Echo',
  methods: {
    unary: method('Unary', false, false),
    collect: method('Collect', true, false),
    count: method('Count', false, true),
    chat: method('Chat', true, true),
  },
} as const;

export type Echo = Implementation<typeof EchoDefinition>;

export const text = (typeUrl: string): Any => Any.fromPartial({ typeUrl });

export const bytes = (length: number, fill = 1): Any => Any.fromPartial({ value: Buffer.alloc(length, fill) });

export const echo: Echo = {
  unary: async (request) => request,
  async collect(requests) {
    const all: string[] = [];
    for await (const { typeUrl } of requests) all.push(typeUrl);
    return text(all.join(','));
  },
  async *count(request) {
    for (let i = 0; i < Number(request.typeUrl); i += 1) yield text(String(i));
  },
  async *chat(requests) {
    for await (const { typeUrl } of requests) yield text(`${typeUrl}!`);
  },
};

export interface EchoServer extends AsyncDisposable {
  readonly path: string;
  readonly server: TtrpcServer;
  /** What the server reported. */
  readonly errors: unknown[];
  /** A raw client socket. */
  socket(): Socket;
  connect(options?: ConnectTtrpcOptions): TtrpcConnection;
}

export async function startEcho(
  overrides: Partial<Echo> = {},
  options: { readonly streamStallTimeoutMs?: number } = {},
): Promise<EchoServer> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-ttrpc-'));
  const path = join(directory, 'echo.sock');
  const errors: unknown[] = [];
  const server = serveTtrpc({
    services: [implement(EchoDefinition, { ...echo, ...overrides })],
    onError: (error) => errors.push(error),
    ...options,
  });
  const listener = createServer((socket) => server.accept(socket));
  await new Promise<void>((resolve) => listener.listen(path, resolve));
  const sockets: Socket[] = [];
  const socket = (): Socket => {
    const opened = connect(path).on('error', () => undefined);
    sockets.push(opened);
    return opened;
  };
  return {
    path,
    server,
    errors,
    socket,
    connect: (connectOptions) => connectTtrpc(socket(), connectOptions),
    async [Symbol.asyncDispose]() {
      for (const each of sockets) each.destroy();
      await server.close({ drainTimeoutMs: 1_000 });
      await closeListener(listener);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function closeListener(listener: Server): Promise<void> {
  return new Promise((resolve) => listener.close(() => resolve()));
}
