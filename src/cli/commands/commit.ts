// `berth commit`: an image of a container's image and of what the container has changed.
import { StorageService } from '../../generated/berth/v1/storage.js';
import { collect } from '../option-list.js';
import type { CommandDefinition } from '../session.js';

const help = `
A change is a line of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR. A running
container is paused while its files are read, unless --no-pause says otherwise. Volumes are not part of the image.
An image that has the name already is replaced.

JSON: {image, digest}.

Examples:
  berth commit web web:tried
  berth commit -a 'A. Person' -m 'with vim' -c 'CMD ["vim"]' -c 'ENV EDITOR=vim' box example/vim:1`;

interface Options {
  readonly author?: string;
  readonly message?: string;
  readonly change?: string[];
  readonly pause: boolean;
}

export const commit: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .argument('<image>', 'name of the new image')
    .option('-a, --author <author>', 'who made it')
    .option('-m, --message <text>', "comment for the image's history")
    .option('-c, --change <line>', 'change of the configuration (repeatable)', collect)
    .option('--no-pause', 'let a running container go on meanwhile')
    .addHelpText('after', help)
    .action(async (containerId: string, image: string, options: Options) => {
      const connection = await session.connect();
      const { author = '', message = '', change: changes = [], pause } = options;
      const request = { containerId, image, author, message, changes, pause };
      const answer = await connection.unary(StorageService.commit, request, { endless: true });
      const digest = answer.target?.digest ?? '';
      if (session.wantsJson) session.printJson({ image: answer.image, digest });
      else session.printLine(`${answer.image} ${digest}`);
    });
};
