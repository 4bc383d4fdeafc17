// Shows how a transfer goes on, on standard error: a bar per blob in a terminal, else a line when a blob is done.
import type { WriteStream } from 'node:tty';
import { MultiBar, type SingleBar } from 'cli-progress';
import { type BlobProgress, BlobState } from '../../generated/berth/v1/images.js';
import { formatBytes } from '../format-bytes.js';

export interface TransferView {
  show(blob: BlobProgress): void;
  /** Leaves the terminal as it is then. */
  end(): void;
}

/** How states are called: when a blob comes, and when it goes. */
export type Direction = 'pull' | 'push';

/** Lines of the terminal that the bars leave free. */
const spareRows = 2;
const defaultRows = 24;
const shortDigits = 12;

const quietView: TransferView = { show: () => undefined, end: () => undefined };

export function transferView(output: WriteStream, direction: Direction, quiet: boolean): TransferView {
  if (quiet) return quietView;
  return output.isTTY ? new BarView(output, direction) : new LineView(output, direction);
}

class BarView implements TransferView {
  readonly #bars: MultiBar;
  readonly #byDigest = new Map<string, SingleBar>();
  readonly #direction: Direction;
  readonly #maxBars: number;

  constructor(output: WriteStream, direction: Direction) {
    this.#direction = direction;
    this.#maxBars = Math.max(1, (output.rows ?? defaultRows) - spareRows);
    this.#bars = new MultiBar({
      stream: output,
      format: '{id} [{bar}] {sizes} {state}',
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      barsize: 30,
      hideCursor: true,
      clearOnComplete: false,
      // A terminal that is read by nobody must not hold the transfer up.
      gracefulExit: true,
      linewrap: false,
    });
  }

  show(blob: BlobProgress): void {
    const [offset, total] = [Number(blob.offset), Number(blob.total)];
    const payload = {
      id: shortDigest(blob.digest),
      state: stateName(blob.state, this.#direction),
      sizes: `${formatBytes(offset)}/${formatBytes(total)}`.padStart(17),
    };
    const bar = this.#byDigest.get(blob.digest);
    if (bar !== undefined) {
      bar.update(offset, payload);
    } else if (this.#byDigest.size < this.#maxBars) {
      this.#byDigest.set(blob.digest, this.#bars.create(total, offset, payload));
    }
  }

  end(): void {
    this.#bars.stop();
  }
}

class LineView implements TransferView {
  readonly #output: WriteStream;
  readonly #direction: Direction;
  readonly #told = new Map<string, BlobState>();

  constructor(output: WriteStream, direction: Direction) {
    this.#output = output;
    this.#direction = direction;
  }

  show({ digest, state, total }: BlobProgress): void {
    const isEnd = state === BlobState.DONE || state === BlobState.EXISTS || state === BlobState.UNPACKED;
    if (!isEnd || this.#told.get(digest) === state) return;
    this.#told.set(digest, state);
    const size = state === BlobState.DONE ? ` ${formatBytes(Number(total))}` : '';
    this.#output.write(`${shortDigest(digest)}: ${stateName(state, this.#direction)}${size}\n`);
  }

  end(): void {
    // Each line was whole.
  }
}

function stateName(state: BlobState, direction: Direction): string {
  const [doing, done, there] = direction === 'pull' ? ['fetching', 'fetched', 'here'] : ['sending', 'sent', 'there'];
  switch (state) {
    case BlobState.WAITING:
      return 'waiting';
    case BlobState.TRANSFERRING:
      return doing;
    case BlobState.DONE:
      return done;
    case BlobState.EXISTS:
      return `already ${there}`;
    case BlobState.UNPACKING:
      return 'unpacking';
    case BlobState.UNPACKED:
      return 'unpacked';
    default:
      return '';
  }
}

function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, shortDigits);
}
