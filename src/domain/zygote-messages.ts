// What berthd and the zygote say to each other: a line of JSON a message, each short enough to be written at once, since
// the zygote and its children write to one pipe.

/** To the zygote. */
export type ZygoteRequest =
  | ({ readonly kind: 'launch'; readonly request: number } & LaunchOptions)
  /** Only the shims' parent knows for certain that a pid is still theirs. */
  | { readonly kind: 'kill'; readonly pid: number };

export interface LaunchOptions {
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
  readonly debug: boolean;
}

/** From the zygote, and `hello` or `refused` from its children. */
export type ZygoteReport =
  /** `unprepared`: what failed of its preparation; its forks are then slower and larger, and otherwise the same. */
  | { readonly kind: 'ready'; readonly unprepared?: string }
  /** Sent before the child runs, so always before its `hello`. */
  | { readonly kind: 'forked'; readonly request: number; readonly pid: number; readonly attempts: number }
  | { readonly kind: 'failed'; readonly request: number; readonly error: string }
  | { readonly kind: 'hello'; readonly pid: number; readonly shimId: string }
  /** Said in place of the hello by a shim that cannot serve. */
  | { readonly kind: 'refused'; readonly pid: number; readonly error: string }
  /** `shim` is false for the orphans of a dead shim, which the zygote, their subreaper, has waited for. */
  | {
      readonly kind: 'ended';
      readonly pid: number;
      readonly shim: boolean;
      readonly status: number;
      readonly signal: number;
    };

/** Far above the longest message: two ids, and a path of PATH_MAX. */
export const maxMessageBytes = 16 * 1024;
const maxErrorLength = 1024;

export function encodeMessage(message: ZygoteRequest | ZygoteReport): string {
  const short = 'error' in message ? { ...message, error: message.error.slice(0, maxErrorLength) } : message;
  return `${JSON.stringify(short)}\n`;
}

/** Cuts what arrives into messages. Both ends are Berth's own, so what is no message is a broken invariant: it throws. */
export class MessageDecoder<Message extends ZygoteRequest | ZygoteReport> {
  #rest = '';

  push(text: string): Message[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > maxMessageBytes) throw new Error(`a message of over ${maxMessageBytes} bytes`);
    return lines.map((line) => JSON.parse(line) as Message);
  }
}
