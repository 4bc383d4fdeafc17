// systemd's readiness protocol (sd_notify): one datagram to the socket that NOTIFY_SOCKET names.
import type { Log } from '../base/log.js';
import { sendDatagram } from '../linux/datagram.js';

/** Does nothing without a socket; a failure is only logged, since the daemon serves all the same. */
export function notifySystemd(socket: string | undefined, state: 'READY=1' | 'STOPPING=1', log: Log): void {
  if (socket === undefined || socket === '') return;
  try {
    sendDatagram(socket, `${state}\n`);
  } catch (error) {
    log.warn('systemd could not be told', { state, error });
  }
}
