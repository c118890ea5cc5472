/** `idiolect init`: from wherever the histories are to the commands that train on them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { exists, writeFileAtomic } from '../common/files.ts';
import { detectSource, importGit, importLamp, importTable, type Source, tableColumns } from '../histories/index.ts';
import { checkAll } from '../training/checks.ts';
import { loadDataset } from '../training/dataset.ts';
import { estimateTraining, type TrainingEstimate } from '../training/estimate.ts';
import { bytesText, thisMachine } from '../training/machine.ts';
import { type TrainSettings, trainSchema } from '../training/settings.ts';
import { refuse, showChecks } from './doctor.ts';
import { columnSchema, columnsOf, reporting, writeRecords } from './import.ts';
import { commandLine, importArguments, shellScript } from './init-files.ts';
import { askAnswers, askColumns, type Dialogue, dialogue } from './init-questions.ts';
import { fetchModels } from './models.ts';
import { duration, type Terminal } from './terminal.ts';
import type { Verb } from './verb.ts';

const schema = z.object({
  data: z
    .string()
    .optional()
    .describe('where the histories are: JSON Lines, CSV, a git repository, or a folder or questions file of LaMP'),
  model: z
    .string()
    .optional()
    .describe('model to train adapters for: a Hugging Face folder, or owner/name[@revision] on the Hub'),
  template: z
    .string()
    .optional()
    .describe('prompt template (default: commit-subject for a git repository, else plain)'),
  out: z.string().optional().describe('folder to write to'),
  ...columnSchema.shape,
  yes: z.boolean().default(false).describe('ask nothing, and replace what an earlier init wrote'),
});

export type InitFlags = z.infer<typeof schema>;

export const initVerb: Verb = {
  name: 'init',
  summary:
    'Prepares a training run: finds and checks histories and model, estimates time and memory, writes the commands.',
  operands: [],
  schema,
  onlyLooks: true, // fetched below, once the rest is known to be there
  example: 'idiolect init --data ~/code/project --model SmolLM2-135M --out first',
  async run({ resolved, json, terminal, signal }) {
    const flags = resolved.values as InitFlags;
    const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
    const talk = isTerminal && !flags.yes ? dialogue({ input: process.stdin, output: process.stderr }) : null;
    const { data, model: folder, out } = await askAnswers(flags, talk);
    await requireFree(out, flags.yes, talk);

    const hasColumns = Object.values(columnsOf(flags)).some(name => name !== undefined);
    const source: Source = hasColumns ? { kind: 'table', path: data } : await detectSource(data);
    const columns = source.kind === 'table' ? await columnsFor(data, flags, talk) : {};
    const template = flags.template ?? (source.kind === 'git' ? 'commit-subject' : 'plain');
    await mkdir(out, { recursive: true });
    const histories = source.kind === 'histories' ? data : join(out, 'histories.jsonl');
    if (source.kind !== 'histories')
      await writeRecords(histories, recordsOf(source, columns, terminal), { terminal, signal });

    await fetchModels({ model: folder }, terminal, signal);
    const settings = trainSchema.parse({ model: folder, data: histories, template, out: join(out, 'run') });
    const { checks, model } = await checkAll(settings, thisMachine());
    showChecks(checks, text => terminal.say(text));
    refuse(checks);
    terminal.say('running a few training steps on this machine ...');
    const estimate = await estimateTraining(
      model!,
      await loadDataset(settings),
      settings,
      () => performance.now() / 1000,
    );
    if (signal.aborted) throw notWritten(out);
    terminal.say(planText(settings, estimate));
    if (talk && !(await talk.confirm(`Write ${join(out, 'train.json')} and ${join(out, 'run.sh')}?`)))
      throw notWritten(out);

    const imported = source.kind === 'histories' ? null : importArguments(source, columns, histories);
    const files = await writeFiles(settings, out, imported);
    if (json) terminal.print(JSON.stringify({ ...files, estimate, checks }));
    else for (const command of files.commands) terminal.print(command);
    terminal.say(`or all of it: sh ${files.script}`);
  },
};

function notWritten(out: string): IdiolectError {
  return new IdiolectError('INTERRUPTED', `stopped; ${join(out, 'train.json')} was not written.`);
}

async function requireFree(out: string, yes: boolean, talk: Dialogue | null): Promise<void> {
  const file = join(out, 'train.json');
  if (yes || !(await exists(file))) return;
  if (talk && (await talk.confirm(`${file} is there already. Replace it?`))) return;
  throw new IdiolectError('CONFIG', `${file} is there already. Choose another --out, or give --yes to replace it.`);
}

/** The columns by flags; what is still open by questions. */
async function columnsFor(path: string, flags: InitFlags, talk: Dialogue | null) {
  const found = await tableColumns(path);
  const columns = columnsOf(flags);
  const missing = (['user', 'input', 'output'] as const).filter(
    field => columns[field] === undefined && !found.includes(field),
  );
  if (missing.length === 0) return columns;
  if (talk) return { ...columns, ...(await askColumns(talk, missing, found)) };
  throw new IdiolectError(
    'USAGE',
    `${path} has the columns ${found.join(', ')}; say which is which by ` +
      `${missing.map(field => `--${field}-field`).join(', ')}${missing.includes('input') ? ' ("" for no input)' : ''}.`,
  );
}

function recordsOf(source: Source, columns: ReturnType<typeof columnsOf>, terminal: Terminal) {
  switch (source.kind) {
    case 'git':
      return importGit(source.path, reporting(terminal));
    case 'lamp':
      return importLamp(source.path, { ...(source.outputs && { outputs: source.outputs }), ...reporting(terminal) });
    default:
      return importTable(source.path, { columns, ...reporting(terminal) });
  }
}

function planText(
  settings: TrainSettings,
  { users, steps, seconds, memoryBytes, diskBytes }: TrainingEstimate,
): string {
  const { out, epochs, batchSize } = settings;
  const time = (part: number) => duration(1000 * part);
  return [
    `training makes ${users} adapters in ${out}/adapters: ${steps} steps of ${batchSize} records, ${epochs} passes over each user's`,
    `it may take about ${time(seconds.likely)}, an estimate from a few steps on this machine: ${time(seconds.low)} to ${time(seconds.high)} if nothing else runs`,
    `it takes about ${bytesText(memoryBytes)} of memory and ${bytesText(diskBytes)} of disk`,
  ].join('\n');
}

async function writeFiles(settings: TrainSettings, folder: string, imported: readonly string[] | null) {
  const { model, data, template, out } = settings;
  const config = join(folder, 'train.json');
  const script = join(folder, 'run.sh');
  const commands = [commandLine('train', '--config', config), commandLine('score', '--run', out)];
  await writeFileAtomic(config, `${JSON.stringify({ model, data, template, out }, null, 2)}\n`);
  await writeFileAtomic(script, shellScript(folder, commands, imported && commandLine(...imported)));
  return { config, script, commands };
}
