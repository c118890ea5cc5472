/** `idiolect init`: from histories in any supported form to the commands that train on them. */

import { rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { duration } from '../common/duration.ts';
import { IdiolectError } from '../common/errors.ts';
import { exists, makeFolder, stagingPath, writeFileAtomic } from '../common/files.ts';
import { repositoryFiles, requireOutputFile } from '../common/output.ts';
import { quoted } from '../common/shell.ts';
import { stopped } from '../common/stop.ts';
import { flagName } from '../common/wording.ts';
import { loadDataset } from '../histories/dataset.ts';
import {
  conversationHint,
  detectSource,
  importGit,
  importLamp,
  importTable,
  type Source,
  type TableOptions,
  tableColumns,
} from '../histories/index.ts';
import { checkAll } from '../jobs/check/checks.ts';
import { bytesText, thisMachine } from '../jobs/check/machine.ts';
import { forecastTraining, type TrainingForecast } from '../jobs/check/training-forecast.ts';
import { RunFolder } from '../runs/run-folder.ts';
import { type TrainSettings, trainSchema } from '../runs/settings.ts';
import { refuse, showChecks } from './doctor.ts';
import {
  botsSchema,
  columnSchema,
  columnsOf,
  formatOf,
  type Report,
  reporting,
  tableFormatSchema,
  writeRecords,
} from './import.ts';
import { commandLine, importArguments, shellScript } from './init-files.ts';
import { askAnswers, askColumns, type Dialogue, dialogue } from './init-questions.ts';
import { fetchModels } from './models.ts';
import { defineVerb } from './verb.ts';

const schema = z.object({
  data: z
    .string()
    .optional()
    .describe('where the histories are: JSON Lines, CSV, a git repository, or a folder or questions file of LaMP'),
  model: z
    .string()
    .optional()
    .describe('model to train adapters for: a Hugging Face folder, owner/name[@revision] on the Hub, or starter'),
  template: z
    .string()
    .optional()
    .describe('prompt template (default: commit-subject for a git repository, else plain)'),
  out: z.string().optional().describe('folder to write to'),
  ...columnSchema.shape,
  ...tableFormatSchema.shape,
  ...botsSchema.shape,
  ...trainSchema.pick({ maxLength: true, microBatchTokens: true, skipBad: true }).shape,
  yes: z.boolean().default(false).describe('ask nothing, and replace what an earlier init wrote'),
});

export type InitFlags = z.infer<typeof schema>;

export const initVerb = defineVerb({
  name: 'init',
  summary:
    'Prepares a training run: finds and checks histories and model, estimates time and memory, writes the commands.',
  operands: [],
  schema,
  onlyLooks: true, // downloaded below, once the rest has been checked
  example: 'idiolect init --data ~/code/project --model HuggingFaceTB/SmolLM2-135M-Instruct --out first',
  async run({ resolved, json, config, terminal, signal }) {
    const flags = resolved.values;
    const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
    const talk = isTerminal && !flags.yes ? dialogue({ input: process.stdin, output: process.stderr }) : null;
    const { data, model: folder, out } = await askAnswers(flags, talk);
    const isTable = Object.values({ ...columnsOf(flags), ...formatOf(flags) }).some(value => value !== undefined);
    const source: Source = isTable ? { kind: 'table', path: data } : await detectSource(data);
    if (resolved.origins.bots !== 'default' && source.kind !== 'git') {
      throw new IdiolectError('USAGE', `--bots is for git repositories, and ${data} is not one. Leave it out.`);
    }
    const histories = source.kind === 'histories' ? data : join(out, 'histories.jsonl');
    await requireFree(source, histories, { out, yes: flags.yes, ...(config !== undefined && { config }) }, talk);
    const columns = source.kind === 'table' ? await columnsFor(data, flags, talk) : {};
    const reading: TableOptions = { columns, ...formatOf(flags), skipBad: flags.skipBad };
    const template = flags.template ?? (source.kind === 'git' ? 'commit-subject' : 'plain');
    const given = (['maxLength', 'microBatchTokens', 'skipBad'] as const)
      .filter(key => resolved.origins[key] !== 'default')
      .map(key => [key, flags[key]]);
    const plan = { model: folder, data: histories, template, out: join(out, 'run'), ...Object.fromEntries(given) };
    // Histories of an earlier import stay until model and data have been checked.
    const staged = source.kind === 'histories' ? data : stagingPath(histories);
    try {
      if (source.kind !== 'histories') {
        const quiet = { ...terminal, say() {} }; // it would name a temporary file
        const report = reporting(terminal);
        const found = recordsOf(source, reading, flags.bots, report);
        const { records, users } = await writeRecords(staged, found, { terminal: quiet, signal });
        report.finish();
        terminal.say(`${data}: ${counted(records, 'record')} of ${counted(users, 'user')}`);
      }
      await fetchModels({ model: folder }, terminal, signal);
      const settings = trainSchema.parse({ ...plan, data: staged });
      const { checks, model } = await checkAll(settings, thisMachine());
      showChecks(checks, text => terminal.say(text));
      refuse(checks);
      const dataset = await loadDataset(settings);
      await requireSameRun(settings, model!.checkpoint.fingerprint);
      terminal.say('running a few training steps on this machine ...');
      const estimate = await forecastTraining(model!, dataset, settings, () => performance.now() / 1000);
      if (signal.aborted) throw notWritten(out);
      terminal.say(planText(settings, estimate));
      if (talk && !(await talk.confirm(`Write ${join(out, 'train.json')} and ${join(out, 'run.sh')}?`)))
        throw notWritten(out);

      if (source.kind !== 'histories') await rename(staged, histories);
      const imported = source.kind === 'histories' ? null : importArguments(source, reading, histories, flags.bots);
      const files = await writeFiles(plan, out, imported);
      if (json) terminal.print(JSON.stringify({ ...files, estimate, checks }));
      else for (const command of files.commands) terminal.print(command);
      terminal.say(`or all of it: sh ${quoted(files.script)}`);
    } finally {
      if (source.kind !== 'histories') await rm(staged, { force: true });
    }
  },
});

function notWritten(out: string): IdiolectError {
  return stopped(`${join(out, 'train.json')} was not written`);
}

/** @throws IdiolectError CONFIG or OUTPUT where something would be replaced without permission */
async function requireFree(
  source: Source,
  histories: string,
  { out, yes, config }: { readonly out: string; readonly yes: boolean; readonly config?: string },
  talk: Dialogue | null,
): Promise<void> {
  const isWritten = source.kind !== 'histories';
  if (isWritten && resolve(histories) === resolve(source.path)) {
    throw new IdiolectError(
      'CONFIG',
      `${histories} is what --data names, and its conversion would replace it. Choose another --out.`,
    );
  }
  const inputs = source.kind === 'git' ? [await repositoryFiles(source.path)] : [source.path];
  await makeFolder(out);
  for (const name of ['train.json', 'run.sh', ...(isWritten ? ['histories.jsonl'] : [])]) {
    const file = join(out, name);
    const replace = yes || ((await exists(file)) && (await talk?.confirm(`${file} is there already. Replace it?`)));
    await requireOutputFile(file, { force: replace === true, inputs: [...inputs, config], replacedBy: 'yes' });
  }
}

/** @throws IdiolectError CONFIG where `train` would refuse to continue the run that the folder holds */
async function requireSameRun(settings: TrainSettings, model: string): Promise<void> {
  const before = await new RunFolder(settings.out).read();
  if (!before) return;
  const others = [
    ...(before.sources.model === model ? [] : ['another model']),
    ...(['template', 'maxLength', 'microBatchTokens'] as const)
      .filter(key => before.settings[key]?.value !== settings[key])
      .map(key => `another ${flagName(key)}`),
  ];
  if (others.length === 0) return;
  throw new IdiolectError(
    'CONFIG',
    `${settings.out} holds a run of ${others.join(', ')}, which train would not continue with these settings. ` +
      'Choose another --out, or remove that folder.',
  );
}

/** Takes the columns from flags, and asks for the missing ones. */
async function columnsFor(path: string, flags: InitFlags, talk: Dialogue | null) {
  const found = await tableColumns(path, flags.quote);
  const columns = columnsOf(flags);
  // Without times the order of the rows decides what is held out, so the user is asked about them.
  const open = (['user', 'input', 'output', 'time'] as const).filter(
    field => columns[field] === undefined && !found.includes(field),
  );
  if (talk) return { ...columns, ...(await askColumns(talk, open, found)) };
  const missing = open.filter(field => field !== 'time');
  if (missing.length === 0) return columns;
  const chat = conversationHint(Object.fromEntries(found.map(name => [name, null])));
  if (chat !== '') throw new IdiolectError('DATA', `${path}: ${chat}`);
  throw new IdiolectError(
    'USAGE',
    `${path} has the columns ${found.join(', ')}; say which is which with ` +
      `${missing.map(field => `--${field}-field`).join(', ')}${missing.includes('input') ? ' ("" for no input)' : ''}` +
      `${open.includes('time') ? ' and --time-field, if there is one' : ''}.`,
  );
}

function recordsOf(source: Source, reading: TableOptions, bots: InitFlags['bots'], report: Report) {
  switch (source.kind) {
    case 'git':
      return importGit(source.path, { bots, ...report });
    case 'lamp':
      return importLamp(source.path, {
        ...(source.outputs && { outputs: source.outputs }),
        skipBad: reading.skipBad ?? false,
        ...report,
      });
    default:
      return importTable(source.path, { ...reading, ...report });
  }
}

function planText(
  settings: TrainSettings,
  { users, steps, seconds, memoryBytes, diskBytes }: TrainingForecast,
): string {
  const { out, epochs, batchSize } = settings;
  const time = duration;
  return [
    `training makes ${counted(users, 'adapter')} in ${out}/adapters: ${counted(steps, 'step')} of ${counted(batchSize, 'record')}, ${counted(epochs, 'pass', 'passes')} over each user's`,
    `it may take about ${time(seconds.likely)}, an estimate from a few steps on this machine: ${time(seconds.low)} to ${time(seconds.high)} if nothing else runs`,
    `it takes about ${bytesText(memoryBytes)} of memory and ${bytesText(diskBytes)} of disk`,
  ].join('\n');
}

async function writeFiles(plan: Pick<TrainSettings, 'out'>, folder: string, imported: readonly string[] | null) {
  const config = join(folder, 'train.json');
  const script = join(folder, 'run.sh');
  const commands = [commandLine('train', '--config', config), commandLine('score', '--run', plan.out)];
  await writeFileAtomic(config, `${JSON.stringify(plan, null, 2)}\n`);
  await writeFileAtomic(script, shellScript(folder, commands, imported && commandLine(...imported)));
  return { config, script, commands };
}
