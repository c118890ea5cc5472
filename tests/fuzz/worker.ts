/** The process that reads inputs, one after the other; whoever started it watches it. */
import { type Task, tryInput } from './input.ts';

process.on('message', async (task: Task) => {
  process.send!(await tryInput(task));
});
