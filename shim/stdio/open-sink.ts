// The sink a stream's target asks for.
import type { Log } from '../../src/base/log.js';
import { FifoSink } from './fifo-sink.js';
import { FileSink } from './file-sink.js';
import type { OutputSink } from './output-sink.js';
import type { StreamTarget } from './stream-target.js';

export function openSink(target: Exclude<StreamTarget, { kind: 'none' }>, log: Log): OutputSink {
  if (target.kind === 'fifo') return new FifoSink(target.path, log);
  return new FileSink(target.path, { create: target.create, log });
}
