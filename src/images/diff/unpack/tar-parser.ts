// tar-stream's parser as a base class, with the members that it does not document and tar-entries.ts overrides; its
// version is pinned in package.json, and the tests of tar-entries hold it to this.
/* oxlint-disable no-underscore-dangle -- tar-stream's own names */
import type { EventEmitter } from 'node:events';
import { extract } from 'tar-stream';

export interface TarHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: Date;
  /** Null for one that tar-stream does not know. */
  readonly type: string | null;
  readonly linkname: string | null;
  readonly devmajor: number;
  readonly devminor: number;
  readonly pax: Readonly<Record<string, string>> | null;
}

interface ParserOptions {
  readonly filenameEncoding?: 'latin1';
  readonly allowUnknownFormat?: boolean;
}

declare class Parser {
  constructor(options?: ParserOptions);
  on: EventEmitter['on'];
  emit: EventEmitter['emit'];
  write(chunk: Uint8Array): boolean;
  end(): void;
  destroy(error?: Error): void;
  protected readonly _header: TarHeader | null;
  protected _pax: Readonly<Record<string, string>> | null;
  protected _consumeHeader(): boolean;
  protected _decodeLongHeader(bytes: Uint8Array): void;
}

export const TarParser = extract().constructor as unknown as typeof Parser;
