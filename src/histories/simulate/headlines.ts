/** Simulated news: a few sentences of an article in, the headline out. */
import { BODIES, CAUSES, EVENTS, THINGS, TOWNS } from './headline-words.ts';
import { type Kind, oneOf } from './kind.ts';
import { COMMON_VALUES, type Mark, writeLine } from './writing.ts';

const TENSES = ['present', 'past', 'future', 'progressive'] as const;
const WORDS = [0, 1, 2].map(column => EVENTS.map(({ verbs }) => verbs[column]!.split(' ')[0]!).join(', '));

export const HEADLINES: Kind = {
  values: {
    ...COMMON_VALUES,
    tense: TENSES,
    head: ['none', 'label:', '[place]', 'place |', 'LABEL -'],
    mark: ['none', '#town first', '#town last', '(local) last'],
    words: WORDS,
  },
  drawContent(source) {
    const [who, whoInReport] = oneOf(BODIES, source);
    const { label, emoji, verbs, report } = oneOf(EVENTS, source);
    const [object, objectInReport] = oneOf(THINGS, source);
    const town = oneOf(TOWNS, source);
    const [reason, cause] = oneOf(CAUSES, source);
    return {
      key: [who, label, object, town, reason].join('/'),
      input: `${whoInReport} of ${town} ${report.replace('THING', objectInReport)}. ${cause}`,
      message: { who, verbs, object, place: town, placeTakesArticle: false, reason, label, emoji },
    };
  },
  write({ message }, way) {
    return writeLine(message, way, WORDS, inTense, markOf(way.mark, message.place));
  },
};

function inTense([base, past, present, participle]: readonly string[], tense: string): string {
  if (tense === 'past') return past!;
  if (tense === 'future') return `to ${base}`;
  // Headlines leave "is" out.
  return tense === 'progressive' ? participle! : present!;
}

function markOf(mark: string, town: string): Mark {
  if (mark === '#town first') return { first: `#${town.toLowerCase()}` };
  if (mark === '#town last') return { last: `#${town.toLowerCase()}` };
  return mark === '(local) last' ? { last: '(local)' } : {};
}
