/** Judgements of adapters as sentences, and what to try where nothing was learnt. */

import { counted } from '../../common/counted.ts';
import { printable } from '../../common/printable.ts';
import { setting } from '../../common/wording.ts';
import type { Estimate } from '../../statistics/intervals.ts';
import { FEWEST_TEXTS, type Judgement } from '../../statistics/judgement.ts';
import type { HeldOutScores, UserScore } from './held-out.ts';

/** Nats per token below which a difference is called next to nothing: one per cent of perplexity. */
const NEXT_TO_NOTHING = 0.01;

/** One sentence on what a user's adapter does to that user's held-out texts. */
export function userSentence({ user: name, gain, personalGain }: UserScore): string {
  const user = printable(name);
  const texts = `${gain.texts} held-out text${gain.texts === 1 ? '' : 's'}`;
  if (gain.verdict === 'few') {
    return `${user}: too few texts to judge: ${texts}, and ${FEWEST_TEXTS} are the fewest that can tell a difference from chance.`;
  }
  const found = `${nats(gain)} over ${texts}, ${probability(gain.p)}`;
  if (isNextToNothing(gain)) return `${user}: the adapter does next to nothing: ${found}.`;
  if (gain.verdict === 'harms') return `${user}: the adapter harms: ${found}.`;
  if (gain.verdict === 'untold') return `${user}: no clear difference from the model without the adapter: ${found}.`;
  return `${user}: the adapter helps: ${found}${personal(personalGain)}.`;
}

function personal(gain: Judgement | undefined): string {
  if (!gain) return '';
  const what = {
    helps: "more than another user's adapter does",
    harms: "less than another user's adapter does",
    untold: "no clear difference from another user's adapter",
    few: '',
  }[gain.verdict];
  return `; ${what} (${nats(gain)}, ${probability(gain.p)})`;
}

function isNextToNothing({ verdict, mean }: Judgement): boolean {
  return verdict === 'helps' && mean < NEXT_TO_NOTHING;
}

/** The judgement of a user in a word or two, for tables. */
export function verdictWord(gain: Judgement): string {
  if (isNextToNothing(gain)) return 'next to nothing';
  return { helps: 'helps', harms: 'harms', untold: 'no clear difference', few: 'too few texts' }[gain.verdict];
}

/** The fewest users for which an interval over users is given in a sentence. */
const FEWEST_USERS = 6;

/** A few sentences on the whole run: whether anything was learnt, whether it is the users' own, and what to try. */
export function runSentences(scores: HeldOutScores): string[] {
  const { users, gain, overall, personalGain, personalOverall } = scores;
  const shown = (estimate: Estimate, alone: Estimate | undefined) => {
    if (users.length === 1 && alone) return nats(alone);
    // Over so few users the interval is too narrow, and could contradict the test in the same sentence.
    const amount = users.length < FEWEST_USERS ? `${signed(estimate.mean)} nats a token` : nats(estimate);
    return `${amount} over ${counted(users.length, 'user')}`;
  };
  const found = shown(gain, users[0]!.gain);
  if (overall.verdict === 'few') {
    return [
      `${counted(overall.texts, 'held-out text is', 'held-out texts are')} too few to tell whether anything was learnt (${found}): ${FEWEST_TEXTS} are the fewest. Give more texts, or a larger ${setting('queryShare')}.`,
    ];
  }
  const tested = `${counted(overall.texts, 'held-out text')}, ${probability(overall.p)}`;
  if (overall.verdict === 'harms') {
    return [
      `The adapters harm: they make the users' own texts less likely, ${found} (${tested}). Lower ${setting('lr')} (${scores.training.lr} now) or ${setting('epochs')} (${scores.training.epochs} now).`,
    ];
  }
  if (overall.verdict === 'untold') {
    return [
      `Nothing was learnt that held-out texts show: ${found}, no clear difference from 0 (${tested}). What the adapters write will read like the model's own.`,
      advice(scores.training),
    ];
  }
  if (gain.mean < NEXT_TO_NOTHING) {
    return [
      `Next to nothing was learnt: ${found} (${tested}); ${NEXT_TO_NOTHING} is one per cent of perplexity.`,
      advice(scores.training),
    ];
  }
  const sentences = [`The adapters help: the users' own texts are more likely by ${found} (${tested}).`];
  if (personalGain && personalOverall) {
    const by = `${shown(personalGain, users[0]!.personalGain)}, ${probability(personalOverall.p)}`;
    sentences.push(
      {
        helps: `Each user's own adapter does more than another user's: by ${by}. That part is personal.`,
        harms: `Another user's adapter does more than the user's own: by ${by}. What was learnt is not personal.`,
        untold: `It does not differ clearly from what another user's adapter does (${by}): nothing shows that what was learnt is personal.`,
        few: '',
      }[personalOverall.verdict],
    );
  }
  return sentences;
}

/** The rate at which both sft and cbpo have moved small models in the measurements of docs/results.md. */
const MOVING_RATE = 1e-3;

function advice({ method, lr, epochs }: HeldOutScores['training']): string {
  if (method !== 'sft') {
    return (
      `Try ${setting('method')} sft ${setting('lr')} ${exponent(Math.max(lr, MOVING_RATE))} with another ${setting('out')}: on real commits supervised fine-tuning moved held-out texts by ` +
      '0.247 nats a token and cbpo by 0.099 (docs/results.md). cbpo needs a high rate and a large beta together: `lr` 3e-3 `beta` 1.'
    );
  }
  if (lr < MOVING_RATE)
    return `Try ${setting('lr')} ${exponent(MOVING_RATE)} (${exponent(lr)} now) with another ${setting('out')}.`;
  return `Try more ${setting('epochs')} (${epochs} now), ${setting('lr')} ${exponent(3 * lr)} (${exponent(lr)} now) or ${setting('targetModules')} all-linear with another ${setting('out')}; or give more texts a user.`;
}

function exponent(value: number): string {
  return value.toExponential().replace('e+', 'e');
}

/** `+0.579 nats a token [0.503, 0.654]`; small numbers have a digit more. */
function nats({ mean, low, high }: Estimate): string {
  return `${signed(mean)} nats a token [${decimal(low)}, ${decimal(high)}]`;
}

export function decimal(value: number): string {
  const text = value.toFixed(Math.abs(value) < 0.00995 ? 4 : 3);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

export function signed(value: number): string {
  const text = decimal(value);
  return Number(text) > 0 ? `+${text}` : text;
}

function probability(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p ${p.toFixed(3)}`;
}
