/**
 * The main table of the paper of C-BPO (Ma et al., ACL 2026, arXiv 2605.10043): ROUGE-1 and ROUGE-L with
 * Mistral-7B-Instruct-v0.3. Its rows RAG, PAG, TAM, DPO and KTO are not known here.
 */
import { namedTask } from '../histories/tasks.ts';
import { markdownTable } from './markdown-table.ts';
import type { Results } from './results.ts';

interface PaperRow {
  /** As a comparison names it: `cbpo`. */
  readonly name: string;
  readonly title: string;
  readonly rouge1: number;
  readonly rougeL: number;
}

export interface PaperTable {
  /** The name of the benchmark's task: `LaMP-4`. */
  readonly task: string;
  readonly rows: readonly PaperRow[];
}

const METHODS = [
  ['base', 'Base'],
  ['oppu', 'OPPU'],
  ['cope', 'CoPe'],
  ['bco', 'BCO'],
  ['cbpo', 'C-BPO'],
] as const;

/** By the names of the tasks; ROUGE-1 and ROUGE-L in the order of METHODS. */
const SCORES: Readonly<Record<string, readonly (readonly [rouge1: number, rougeL: number])[]>> = {
  'abstract generation': [
    [0.341, 0.186],
    [0.378, 0.218],
    [0.392, 0.239],
    [0.373, 0.231],
    [0.398, 0.269],
  ],
  'review writing': [
    [0.287, 0.126],
    [0.319, 0.134],
    [0.335, 0.146],
    [0.315, 0.132],
    [0.353, 0.154],
  ],
  'topic writing': [
    [0.246, 0.105],
    [0.278, 0.112],
    [0.281, 0.12],
    [0.272, 0.112],
    [0.291, 0.118],
  ],
  'LaMP-4': [
    [0.119, 0.105],
    [0.203, 0.182],
    [0.205, 0.184],
    [0.197, 0.179],
    [0.215, 0.198],
  ],
  'LaMP-5': [
    [0.409, 0.324],
    [0.51, 0.454],
    [0.519, 0.461],
    [0.507, 0.443],
    [0.539, 0.481],
  ],
};

/**
 * What the paper reports for a task, however its name is spelled; nothing for tasks that it does not have.
 *
 * @throws IdiolectError CONFIG for an unknown task
 */
export function paperTable(taskName: string): PaperTable | undefined {
  const task = namedTask(taskName).name;
  const scores = SCORES[task];
  if (!scores) return undefined;
  return {
    task,
    rows: METHODS.map(([name, title], i) => ({ name, title, rouge1: scores[i]![0], rougeL: scores[i]![1] })),
  };
}

/** The paper's values beside those of our methods of the same names, as a section of Markdown. */
export function paperSection({ task, rows }: PaperTable, { methods }: Pick<Results, 'methods'>): string {
  const lines = rows.map(({ name, title, rouge1, rougeL }) => {
    const own = methods.find(method => method.name === name)?.metrics;
    const values = [rouge1, own?.rouge1?.mean, rougeL, own?.rougeL?.mean];
    return [title, ...values.map(value => value?.toFixed(3) ?? '')];
  });
  return [
    `## The paper on ${task}`,
    "The paper's backbone is Mistral-7B-Instruct-v0.3 and its users are its own choice, so that levels cannot be compared with another backbone's, only which method is ahead of which and by how much.",
    markdownTable(['method', 'paper ROUGE-1', 'here', 'paper ROUGE-L', 'here'], lines),
  ].join('\n\n');
}
