// An independent client: calls any RPC of proto/ with plain objects, by descriptors that @grpc/proto-loader reads, and
// remembers which RPCs it called. Shares nothing with the code that ts-proto generates.
import { join } from 'node:path';
import { loadSync } from '@grpc/proto-loader';
import { projectRoot, type TestDaemon } from './daemon.js';
import { isServiceError, type Method, type RpcOptions } from './rpc.js';

export type Message = Readonly<Record<string, unknown>>;

export interface Answer {
  /** 0 where the call succeeded. */
  readonly code: number;
  /** The status message of a failure. */
  readonly details: string;
  readonly message: Message;
}

export class WireClient {
  readonly #methods = new Map<string, Method<Message, Message>>();
  readonly #called = new Set<string>();

  /** `protos` are files below proto/; containerd's methods go by `Service/Method`, without the package. */
  constructor(protos: readonly string[]) {
    const proto = join(projectRoot, 'proto');
    const files = protos.map((file) => join(proto, file));
    const loaded = loadSync(files, {
      includeDirs: [proto],
      longs: Number,
      enums: String,
      defaults: true,
      oneofs: true,
    });
    for (const definition of Object.values(loaded)) {
      if ('format' in definition) continue;
      for (const method of Object.values(definition)) {
        this.#methods.set(
          method.path.replace(/^\/(containerd\.services\.\w+\.v1\.)?/, ''),
          method as Method<Message, Message>,
        );
      }
    }
  }

  /** The RPCs that no call went to. */
  get uncalled(): string[] {
    return [...this.#methods.keys()].filter((name) => !this.#called.has(name));
  }

  method(name: string): Method<Message, Message> {
    this.#called.add(name);
    const method = this.#methods.get(name);
    if (method === undefined) throw new Error(`${name} is in none of the protos`);
    return method;
  }

  async call(daemon: TestDaemon, name: string, request: Message = {}, options: RpcOptions = {}): Promise<Answer> {
    try {
      return { code: 0, details: '', message: await daemon.call(this.method(name), request, options) };
    } catch (error) {
      if (!isServiceError(error)) throw error;
      return { code: error.code, details: error.details, message: {} };
    }
  }
}
