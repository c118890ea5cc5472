/** The command line: finds the verb, runs it, and turns errors into one sentence and an exit code. */

import pc from 'picocolors';
import { IdiolectError } from '../common/errors.ts';
import { didYouMean } from '../common/nearest.ts';
import { outputError, uncaughtSystemError } from '../common/output-error.ts';
import { printable } from '../common/printable.ts';
import { packageVersion } from '../common/version.ts';
import { type Terminal, terminal } from '../terminal/terminal.ts';
import { helpText, parseLine, type Verb } from './verb.ts';

/** Loaded on demand, so that `--help` does not wait for the engine. */
export const VERBS: Readonly<Record<string, { summary: string; load: () => Promise<Verb> }>> = {
  train: {
    summary: 'train one adapter per user from their histories',
    load: async () => (await import('./train.ts')).trainVerb,
  },
  adapt: {
    summary: 'adapt a model to the task on users who are not evaluated',
    load: async () => (await import('./adapt.ts')).adaptVerb,
  },
  compare: {
    summary: 'compare all methods in one harness, from data to tables',
    load: async () => (await import('./compare.ts')).compareVerb,
  },
  overlap: {
    summary: 'estimate how much of what others write each user could have written',
    load: async () => (await import('./overlap.ts')).overlapVerb,
  },
  score: {
    summary: 'measure held-out log-likelihood per user, with and without the adapter',
    load: async () => (await import('./score.ts')).scoreVerb,
  },
  ablate: {
    summary: 'train and score every combination of some settings',
    load: async () => (await import('./ablate.ts')).ablateVerb,
  },
  forget: {
    summary: 'remove a user from a run',
    load: async () => (await import('./forget.ts')).forgetVerb,
  },
  tokens: {
    summary: 'compare two runs token by token',
    load: async () => (await import('./tokens.ts')).tokensVerb,
  },
  generate: {
    summary: 'write text with a model and an adapter',
    load: async () => (await import('./generate.ts')).generateVerb,
  },
  'data get': {
    summary: 'download a benchmark’s files from its makers',
    load: async () => (await import('./data.ts')).dataGetVerb,
  },
  'import git': {
    summary: 'make histories from a git repository',
    load: async () => (await import('./import.ts')).importGitVerb,
  },
  'import diff': {
    summary: 'make a prompt from a diff, as import git does from a commit',
    load: async () => (await import('./import.ts')).importDiffVerb,
  },
  'import lamp': {
    summary: 'make histories from the LaMP benchmark’s files',
    load: async () => (await import('./import.ts')).importLampVerb,
  },
  'import longlamp': {
    summary: 'make histories from the LongLaMP benchmark’s files',
    load: async () => (await import('./import.ts')).importLongLampVerb,
  },
  'import oppu': {
    summary: 'make histories from the layout OPPU and CoPe share',
    load: async () => (await import('./import.ts')).importOppuVerb,
  },
  'import table': {
    summary: 'make histories from a product’s texts in CSV or JSON Lines',
    load: async () => (await import('./import.ts')).importTableVerb,
  },
  simulate: {
    summary: 'make histories of users whose habits are known',
    load: async () => (await import('./simulate.ts')).simulateVerb,
  },
  init: {
    summary: 'prepare a training run: checks, an estimate, the commands',
    load: async () => (await import('./init.ts')).initVerb,
  },
  doctor: {
    summary: 'check the machine, a model folder and a data file',
    load: async () => (await import('./doctor.ts')).doctorVerb,
  },
};

/** The verbs whose names begin with a word, or all of them. */
function overview(group = ''): string {
  const verbs = Object.entries(VERBS).filter(([name]) => group === '' || name.startsWith(`${group} `));
  const width = Math.max(...verbs.map(([name]) => name.length));
  const lines = verbs.map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  const usage = `Usage: idiolect ${group === '' ? '' : `${group} `}VERB [flags]`;
  const about = group === '' ? "idiolect teaches a language model each user's own way of writing.\n\n" : '';
  return `${about}${usage}\n\n${lines.join('\n')}\n\nRun "idiolect VERB --help" for the flags of a verb, "idiolect --version" for the version.\n`;
}

/** Words that begin the names of several verbs, such as `import`. */
const GROUPS = new Set(Object.keys(VERBS).flatMap(name => (name.includes(' ') ? [name.split(' ')[0]!] : [])));

const HELP = new Set(['--help', '-h', 'help']);
const VERSION = new Set(['--version', '-v', '-V', 'version']);

/** `help train` and `import help` as `train --help` and `import --help`. */
function helpLast(args: readonly string[]): readonly string[] {
  if (args[0] === 'help') return [...args.slice(1).filter(word => !HELP.has(word)), '--help'];
  return GROUPS.has(args[0] ?? '') && args[1] === 'help' ? [args[0]!, '--help'] : args;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'errno' in error;
}

/**
 * The reader of a pipe may close it early (`| head`). If standard output is closed, there is nothing left to deliver;
 * if standard error is, only lines about the work are lost.
 */
function watchStreams(out: Terminal): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(process.exitCode ?? 0);
    const { message } = outputError('standard output', error) as Error;
    out.say(`${pc.red('error: ')}${message}`);
    process.exit(1);
  });
}

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C. */
export async function main(line: readonly string[]): Promise<void> {
  const args = helpLast(line);
  const [first = '--help', second = '--help'] = args;
  const isGroup = GROUPS.has(first);
  const name = isGroup ? `${first} ${second}` : first;
  const rest = args.slice(isGroup ? 2 : 1);
  const out = terminal();
  const stop = new AbortController();
  const onInterrupt = () => {
    if (stop.signal.aborted) process.exit(130); // the second Ctrl-C does not wait
    stop.abort();
    out.say('stopping after the step in progress; press Ctrl-C again to stop at once');
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);
  watchStreams(out);
  try {
    if (HELP.has(first) || (isGroup && HELP.has(second))) {
      process.stdout.write(overview(isGroup ? first : ''));
      return;
    }
    if (VERSION.has(first)) {
      process.stdout.write(`${packageVersion()}\n`);
      return;
    }
    const entry = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
    if (!entry) {
      const names = Object.keys(VERBS);
      const meant = didYouMean(name, names) || ` Verbs are ${names.join(', ')}.`;
      throw new IdiolectError('USAGE', `there is no verb "${printable(name)}".${meant} See idiolect --help.`);
    }
    const verb = await entry.load();
    const { help, ...parsed } = await parseLine(verb, rest);
    if (help) process.stdout.write(helpText(verb));
    else {
      if (!verb.onlyLooks) {
        const { fetchModels } = await import('./models.ts');
        await fetchModels(parsed.resolved.values, out, stop.signal);
      }
      await verb.run({ ...parsed, terminal: out, signal: stop.signal });
    }
  } catch (error) {
    const told = uncaughtSystemError(error);
    if (!(told instanceof IdiolectError || isSystemError(told))) throw error;
    const code = told instanceof IdiolectError ? told.code : undefined;
    out.say(`${code === 'INTERRUPTED' ? '' : pc.red('error: ')}${told.message}`);
    process.exitCode = code === 'INTERRUPTED' ? 130 : code === 'USAGE' ? 2 : 1;
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}
