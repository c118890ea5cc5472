/** Chooses each method's hyper-parameters on development users. */
import { counted } from '../../common/counted.ts';
import { IdiolectError } from '../../common/errors.ts';
import { setting } from '../../common/wording.ts';
import type { MethodAnswers } from '../../results/answer.ts';
import type { MethodResult, ResultMetric } from '../../results/results.ts';
import { searching } from './forecast.ts';
import type { MethodSpec } from './methods/catalogue.ts';
import type { AskedMethod, Choices } from './methods/runner.ts';
import type { MethodSettings } from './methods/settings.ts';
import type { CompareProgress } from './progress.ts';
import { chooseTry, firstChoices, isSearched, type TriedSetting, type Try, triesOf, unlessDiverged } from './search.ts';
import type { StageCosts } from './stages.ts';

export interface Tuning {
  readonly settings: MethodSettings;
  /** Every method that takes part, in the order of the work; and those among them that are the caller's own. */
  readonly methods: readonly MethodSpec[];
  readonly own: readonly MethodSpec[] | undefined;
  readonly developmentUsers: number;
  readonly criterion: ResultMetric;
  readonly answersOf: (asked: AskedMethod) => Promise<MethodAnswers['users']>;
  readonly measure: (answers: readonly MethodAnswers[]) => readonly MethodResult[];
  readonly progress: CompareProgress;
  readonly costs: StageCosts;
}

/** Tries each method in turn; the choice for one holds for those after it. */
export async function tuneMethods(tuning: Tuning): Promise<{ choices: Choices; tried: readonly TriedSetting[] }> {
  const { settings, methods, own, developmentUsers, progress, costs } = tuning;
  let choices = firstChoices(settings, own);
  const tried: TriedSetting[] = [];
  if (developmentUsers === 0 || !isSearched(settings)) return { choices, tried };
  const searched = methods.filter(spec => triesOf(spec, choices, settings).length > 0);
  for (const [done, spec] of searched.entries()) {
    const tries = triesOf(spec, choices, settings);
    const name = `trying ${spec.title} on ${counted(developmentUsers, 'development user')}`;
    const detail = `${counted(tries.length, 'try', 'tries')}, ${counted(developmentUsers, 'user')}`;
    const { answered, answers } = await progress.stage(searching(spec), { name, done, total: searched.length }, () =>
      costs.of(`search: ${spec.title}`, detail, () => answerTries(spec, tries, tuning)),
    );
    const outcome = chooseTry(spec.title, answered, tuning.measure(answers), tuning.criterion);
    choices = outcome.choices;
    for (const entry of outcome.tried) {
      tried.push(entry);
      progress.emit({ type: 'tried', tried: entry });
    }
  }
  return { choices, tried };
}

/** @throws IdiolectError DIVERGED where no try could be trained */
async function answerTries(
  spec: MethodSpec,
  tries: readonly Try[],
  { answersOf, progress }: Tuning,
): Promise<{ answered: Try[]; answers: MethodAnswers[] }> {
  const answered: Try[] = [];
  const answers: MethodAnswers[] = [];
  for (const attempt of tries) {
    const { name, text, choices } = attempt;
    const users = await unlessDiverged(
      () => answersOf({ group: 'development', spec, name, choices }),
      reason => progress.emit({ type: 'notice', message: `${spec.title}, ${text}: this try is left out. ${reason}` }),
    );
    if (!users) continue;
    answered.push(attempt);
    answers.push({ name, title: text, description: text, users });
  }
  if (answered.length > 0) return { answered, answers };
  const texts = tries.map(({ text }) => text).join(', ');
  throw new IdiolectError('DIVERGED', `${spec.title}: training diverged at ${texts}. Give lower ${setting('rates')}.`);
}
