// A unix datagram socket that a test listens on. Node has none; perl is part of every Debian and Ubuntu.
import { type Program, startProgram } from './program.js';

const listener = `
socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, sockaddr_un($ARGV[0])) or die "bind: $!";
$| = 1;
print "listening\\n";
while (defined recv($socket, my $message, 4096, 0)) { print $message; }
`;

/** Everything that is sent to `path`, as the output of the program that is returned; it runs until it is killed. */
export async function listenForDatagrams(path: string): Promise<Program> {
  const program = startProgram('perl', ['-MSocket', '-e', listener, path]);
  await program.waitForOutput(/listening/);
  return program;
}
