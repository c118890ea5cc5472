/** Simulated commits: a changed file and a short diff in, the subject line out. */
import type { Random } from '../../common/random.ts';
import { commitInput } from '../commits.ts';
import { ACTIONS, CIRCUMSTANCES, EXTENSIONS, PLACES, THINGS } from './commit-words.ts';
import { type Kind, oneOf } from './kind.ts';
import { COMMON_VALUES, type Mark, writeLine } from './writing.ts';

const TENSES = ['imperative', 'past', 'third person', 'gerund'] as const;
/** The three columns of verbs, as a person who prefers one of them would list them. */
const WORDS = [0, 1, 2].map(column => ACTIONS.map(({ verbs }) => verbs[column]!.split(' ')[0]!).join(', '));

export const COMMITS: Kind = {
  values: {
    ...COMMON_VALUES,
    tense: TENSES,
    head: ['none', 'label:', 'label(place):', '[place]', 'place |', 'LABEL -'],
    mark: ['none', '#123 first', '(#123) last', 'ABC-12 first', '[ABC-12] last'],
    words: WORDS,
  },
  drawContent(source) {
    const action = oneOf(ACTIONS, source);
    const object = oneOf(THINGS, source);
    const place = oneOf(PLACES, source);
    const [reason, code] = oneOf(CIRCUMSTANCES, source);
    const extension = oneOf(EXTENSIONS, source);
    const name = object.replace(/ (.)/, (_, letter: string) => letter.toUpperCase());
    const { label, emoji, verbs, status } = action;
    return {
      key: [label, object, place, reason, extension].join('/'),
      input: commitInput({
        files: [`${status} src/${place}/${object.replace(' ', '-')}.${extension}`],
        diff: action.diff.map(line => line.replace('NAME', name).replace('CASE', code)).join('\n'),
      }),
      message: { who: null, verbs, object, place, placeTakesArticle: true, reason, label, emoji },
    };
  },
  write({ message }, way, source) {
    const tense = (forms: readonly string[], name: string) => forms[(TENSES as readonly string[]).indexOf(name)]!;
    return writeLine(message, way, WORDS, tense, ticket(way.mark, message.place, source));
  },
};

/** A ticket with a number of its own; a project's letters are the beginning of the place's name. */
function ticket(mark: string, place: string, source: Random): Mark {
  const number = 100 + source.integer(900);
  const key = `${place.slice(0, 3).toUpperCase()}-${number}`;
  if (mark === '#123 first') return { first: `#${number}` };
  if (mark === '(#123) last') return { last: `(#${number})` };
  if (mark === 'ABC-12 first') return { first: key };
  if (mark === '[ABC-12] last') return { last: `[${key}]` };
  return {};
}
