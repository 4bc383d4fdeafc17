// A directory's files as a tar, and back, by the system's own tar: it is on every Linux, and knows what not to unpack.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { BerthError, isBerthError } from '../../domain/errors.js';
import type { OrphanReaper } from '../orphan-reaper.js';

/** Hands the tar over piece by piece, each once the one before is taken. */
export async function packDirectory(
  orphans: OrphanReaper,
  directory: string,
  take: (piece: Buffer) => Promise<void>,
): Promise<void> {
  const { child, ended } = startTar(orphans, ['--create', '--sort=name', '--directory', directory, '.']);
  child.stdin.end();
  for await (const piece of child.stdout as AsyncIterable<Buffer>) await take(piece);
  await ended;
}

export async function unpackInto(
  orphans: OrphanReaper,
  directory: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { child, ended } = startTar(orphans, ['--extract', '--no-same-owner', '--directory', directory]);
  child.stdout.resume();
  const [fed, unpacked] = await Promise.allSettled([pipeline(pieces, child.stdin), ended]);
  if (unpacked.status === 'fulfilled') return;
  // Where tar gives up early its own words tell why; where its input fails, those of whoever reads it.
  throw fed.status === 'rejected' && isBerthError(fed.reason) ? fed.reason : unpacked.reason;
}

interface Tar {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Rejects with tar's words when it fails. */
  readonly ended: Promise<void>;
}

function startTar(orphans: OrphanReaper, args: readonly string[]): Tar {
  const child = spawn('tar', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  orphans.leaveToLibuv(child);
  const ended = endOf(child);
  // Whoever packs asks for the end only after the last piece.
  ended.catch(() => undefined);
  return { child, ended };
}

async function endOf(child: Tar['child']): Promise<void> {
  const [words, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  if (code !== 0) throw new BerthError('unknown', `tar failed: ${words.trim() || `exit status ${code}`}`);
}
