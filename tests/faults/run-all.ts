/**
 * `npm run faults`: kills every command at every call that changes a file, and in the middle of it, and runs it again.
 * `npm run faults -- NAME` kills one command, NAME:CALL:MODE once. Folders of failures are kept to look at.
 */
import { COMMANDS, type CommandName, faultsWorkspace } from './commands.ts';
import { callText, inPairs, type KillPoint, killPointsOf, trial, undisturbed } from './trial.ts';

interface Row {
  readonly command: CommandName;
  readonly calls: number;
  readonly kills: number;
  failures: number;
}

const wanted = process.argv.slice(2).map(word => word.split(':') as [CommandName, string?, KillPoint['mode']?]);
const unknown = wanted.find(([name]) => !(name in COMMANDS));
if (unknown) throw new Error(`no command ${unknown[0]}: choose from ${Object.keys(COMMANDS).join(', ')}`);
const commands = wanted.length > 0 ? wanted : (Object.keys(COMMANDS) as CommandName[]).map(name => [name] as const);

const place = await faultsWorkspace();
const rows: Row[] = [];
for (const [name, call, mode] of commands) {
  const whole = await undisturbed(place, name);
  const points = killPointsOf(whole).filter(
    point => (call === undefined || point.call === Number(call)) && (mode === undefined || point.mode === mode),
  );
  if (points.length === 0) throw new Error(`${name} has no kill ${call}:${mode}`);
  const row: Row = { command: name, calls: whole.calls.length, kills: points.length, failures: 0 };
  rows.push(row);
  let done = 0;
  await inPairs(points, async point => {
    const wrong = await trial(place, whole, point);
    done++;
    if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${done} of ${points.length} kills`);
    if (wrong.length === 0) return;
    row.failures++;
    console.log(
      `\n${name}:${point.call}:${point.mode} (${callText(whole.calls[point.call - 1]!)})\n  ${wrong.join('\n  ')}`,
    );
  });
  console.log(`\n${name}: ${row.calls} calls, ${row.kills} kills, ${row.failures} failures`);
}
console.table(rows);
if (rows.some(({ failures }) => failures > 0)) {
  console.log(`The folders of the failures are kept in ${place.folder}`);
  process.exitCode = 1;
} else await place.remove();
