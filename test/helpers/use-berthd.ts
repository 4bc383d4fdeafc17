// Ties a test daemon to the tests of a file: started before them, checked for leaks after each, gone after the last.
import { after, afterEach, before } from 'node:test';
import { type DaemonOptions, startBerthd, type TestDaemon } from './daemon.js';

export function useBerthd(options: DaemonOptions = {}): () => TestDaemon {
  let daemon: TestDaemon | undefined;
  before(async () => {
    daemon = await startBerthd(options);
  });
  afterEach(async () => {
    await daemon?.checkLeaks();
  });
  after(async () => {
    await daemon?.dispose();
  });
  return () => {
    if (daemon === undefined) throw new Error('the daemon is started by a before hook');
    return daemon;
  };
}
