// `berth create`: makes a container and leaves it at that; `berth start` runs it.
import { addContainerOptions, type ContainerOptions, withContainerPlan } from '../container-options.js';
import type { CommandDefinition } from '../session.js';

const help = `
Makes the container's record, and of an image its root filesystem and volumes, and prints the id: nothing runs before
'berth start'. Images, arguments and options are as for 'berth run'. With -t, it has a terminal at each start.

Exit code: 125 where Berth failed, 2 where this command line is wrong.

Examples:
  berth create --name web registry.example/web:2
  berth create -t --rootfs /srv/busybox shell sh`;

export const create: CommandDefinition = (command, session) => {
  addContainerOptions(command)
    .addHelpText('after', help)
    .action(async (first: string, args: string[], options: ContainerOptions) => {
      const { startFailure } = await import('../start-failure.js');
      try {
        await withContainerPlan(session, [first, args], options, async (plan, onCreated) => {
          const { createContainer } = await import('../container-plan.js');
          await createContainer(await session.connect(), plan);
          await onCreated?.();
          session.printId(plan.id);
        });
      } catch (error) {
        throw startFailure(error);
      }
    });
};
