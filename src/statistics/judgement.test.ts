import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import type { HeldOutScores, UserScore } from '../jobs/score/held-out.ts';
import { runSentences, userSentence } from '../jobs/score/judgement-words.ts';
import { type Judgement, judgeTexts, judgeUsers, type ScoredText } from './judgement.ts';

const text = (difference: number, tokens = 10): ScoredText => ({ tokens, difference });
const judged = (differences: readonly number[]) =>
  judgeTexts(
    differences.map(difference => text(difference)),
    random(0),
  );

describe('the judgement of a user', () => {
  it.each([
    // Two of 2^n ways to draw signs are as far from 0 when all agree.
    ['six texts that agree', [1, 2, 3, 1, 2, 3], 'helps', 2 / 64],
    ['six that agree the other way', [-1, -2, -3, -1, -2, -3], 'harms', 2 / 64],
    ['five that agree', [1, 2, 3, 1, 2], 'few', 2 / 32],
    ['three up, three down', [1, -1, 2, -2, 3, -3], 'untold', 1],
    ['nothing moved', [0, 0, 0, 0, 0, 0, 0], 'untold', 1],
    ['one large text of seven', [9, -0.1, -0.1, -0.1, -0.1, -0.1, -0.1], 'untold', 1],
    ['one text', [5], 'few', 1],
  ])('%s', (_, differences, verdict, p) => {
    const judgement = judged(differences);
    expect(judgement).toMatchObject({ verdict, texts: differences.length });
    expect(judgement.p).toBeCloseTo(p, 12);
  });

  it('is per token, long texts counting by their length, with the interval of resampled texts', () => {
    const texts = [text(1, 1), text(9, 99)];
    const { mean, low, high } = judgeTexts(texts, random(0));
    expect(mean).toBeCloseTo(10 / 100, 12);
    expect(low).toBeCloseTo(9 / 99, 12);
    expect(high).toBeCloseTo(1, 12);
  });
});

describe('the judgement of all users', () => {
  it('tells few users apart from nothing by their texts', () => {
    const user = [text(1), text(2), text(3), text(1)];
    expect(judgeUsers([user, user], random(0))).toEqual({ texts: 8, p: 2 / 256, verdict: 'helps' });
    expect(judgeUsers([user, user.map(({ difference }) => text(-difference))], random(0))).toMatchObject({
      verdict: 'untold',
    });
  });

  it('is about the mean of the users, however many texts each has', () => {
    const many = Array.from({ length: 40 }, () => text(1));
    const strong = Array.from({ length: 8 }, () => text(-30));
    expect(judgeUsers([many, strong], random(0)).verdict).toBe('harms');
  });
});

const LEARNT = [4, 5, 6, 4, 5, 6, 5, 5];
const NOTHING = [0.5, -0.5, 0.4, -0.4, 0.3, -0.3, 0.2, -0.12];
const LITTLE = LEARNT.map(value => value / 100);

function userOf(gain: Judgement, personalGain?: Judgement): UserScore {
  const rest = { records: gain.texts, tokens: 10 * gain.texts, base: -3, adapter: -3 + gain.mean };
  return { user: 'ada', ...rest, gain, ...(personalGain && { personalGain }) };
}

describe('a user in words', () => {
  it.each([
    [
      userOf(judged(LEARNT), judged(LEARNT)),
      /^ada: the adapter helps: \+0\.500 nats a token \[.*\] over 8 held-out texts, p 0\.008; more than another user's adapter does/,
    ],
    [userOf(judged(LEARNT), judged(NOTHING)), /the adapter helps: .*; no clear difference from another user's adapter/],
    [
      userOf(judged(LEARNT), judged(LEARNT.map(x => -x))),
      /the adapter helps: .*; less than another user's adapter does/,
    ],
    [userOf(judged(LEARNT)), /^ada: the adapter helps: [^;]*\.$/],
    [userOf(judged(LEARNT.map(x => -x))), /^ada: the adapter harms: -0\.500 nats/],
    [userOf(judged(NOTHING)), /^ada: no clear difference from the model without the adapter: \+0\.0010 nats/],
    [userOf(judged(LITTLE)), /^ada: the adapter does next to nothing: \+0\.0050 nats/],
    [userOf(judged([1])), /^ada: too few texts to judge: 1 held-out text, and 6 are the fewest/],
  ])('%#', (score, sentence) => {
    expect(userSentence(score)).toMatch(sentence);
  });
});

function runOf(differences: readonly number[], training: HeldOutScores['training'], personal?: readonly number[]) {
  const texts = (of: readonly number[]) => of.map(difference => text(difference));
  const { mean, low, high } = judged(differences);
  const gain = { mean, low, high };
  return runSentences({
    ...{ users: [userOf(judged(differences)), userOf(judged(differences))], gain, training },
    overall: judgeUsers([texts(differences), texts(differences)], random(0)),
    ...(personal && { personalGain: gain, personalOverall: judgeUsers([texts(personal), texts(personal)], random(0)) }),
  }).join(' ');
}

const CBPO = { method: 'cbpo', lr: 1e-4, epochs: 3 } as const;
const SFT = { method: 'sft', lr: 1e-4, epochs: 3 } as const;

describe('a run in words', () => {
  it.each([
    [
      'nothing learnt by cbpo',
      runOf(NOTHING, CBPO),
      /^Nothing was learnt .* read like the model's own\. Try `method` sft `lr` 1e-3 with another `out`: .* 0\.247 .* 0\.099 /,
    ],
    ['nothing learnt at a low rate', runOf(NOTHING, SFT), /^Nothing was learnt .* Try `lr` 1e-3 \(1e-4 now\)/],
    ['nothing learnt at a high rate', runOf(NOTHING, { ...SFT, lr: 1e-3 }), /Try more `epochs` \(3 now\), `lr` 3e-3 /],
    [
      'next to nothing',
      runOf(LITTLE, CBPO),
      /^Next to nothing was learnt: \+0\.0050 .* over 2 users .*Try `method` sft/,
    ],
    [
      'harm',
      runOf(
        LEARNT.map(x => -x),
        CBPO,
      ),
      /^The adapters harm: .* -0\.500 .* Lower `lr` \(0\.0001 now\)/,
    ],
    [
      'help that is personal',
      runOf(LEARNT, CBPO, LEARNT),
      /^The adapters help: .*\+0\.500 .*16 held-out texts, p < 0\.001.* That part is personal\.$/,
    ],
    ['help that is shared', runOf(LEARNT, CBPO, NOTHING), /nothing shows that what was learnt is personal\.$/],
    [
      'too few',
      runOf([1], CBPO),
      /^2 held-out texts are too few to tell .* Give more texts, or a larger `queryShare`\.$/,
    ],
  ])('%s', (_, sentences, expected) => {
    expect(sentences).toMatch(expected);
  });
});
