/** Made-up texts of a comparison: users of three voices, and methods that hit them more or less often. */
import { random } from '../../src/common/random.ts';
import type { Answer, MethodAnswers } from '../../src/results/answer.ts';

export interface SampleMethod {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** How far above the base model its users are by ROUGE-L, about. */
  readonly gain: number;
}

const SUBJECTS = ['parser', 'cache folder', 'retry loop', 'date picker', 'session store', 'error page', 'build script'];
const VERBS = ['fix', 'add', 'drop', 'rework', 'speed up', 'document'];
const ENDS = ['for empty input', 'on slow networks', 'when the token is old', 'in strict mode', 'after a restart'];
/** The habits of three kinds of users. */
const VOICES = [
  (verb: string, subject: string, end: string) => `${verb}(${subject.replace(' ', '-')}): ${end}`,
  (verb: string, subject: string, end: string) => `${verb[0]!.toUpperCase()}${verb.slice(1)} the ${subject} ${end}.`,
  (verb: string, subject: string, end: string) => `🐛 ${subject}, ${verb} ${end}!!`,
];

/** Base methods write in any voice, the others more often in the user's. */
export function sampleAnswers(
  { name, title, description, gain }: SampleMethod,
  users: readonly string[],
  queries: number,
): MethodAnswers {
  const answers = users.map((user, u): [string, Answer[]] => {
    const list = Array.from({ length: queries }, (_, q) => {
      const subject = SUBJECTS[(u + q) % SUBJECTS.length]!;
      const verb = VERBS[(u * 2 + q) % VERBS.length]!;
      const end = ENDS[(u + 2 * q) % ENDS.length]!;
      const own = random(6, `${name}/${user}/${q}`);
      const near = own.uniform() < 0.3 + 6 * gain;
      const voice = VOICES[near ? u % 3 : own.integer(3)]!;
      return {
        key: `key-${u}-${q}`,
        input: `M src/${subject.replace(' ', '-')}.ts\n${`-  const limit = ${q};\n+  const limit = options.limit ?? ${q};\n`.repeat(1 + 4 * (q % 2))}`,
        reference: VOICES[u % 3]!(verb, subject, end),
        text: voice(
          own.uniform() < 0.5 ? verb : VERBS[own.integer(VERBS.length)]!,
          subject,
          near ? end : ENDS[own.integer(ENDS.length)]!,
        ),
        logProb: -20,
        tokens: 8,
      };
    });
    return [user, list];
  });
  return { name, title, description, users: new Map(answers) };
}
