/// <reference types="node" preserve="true" />
/** Metrics of texts, labels and ratings, equal to the software they are known from; style, and who wrote a text. */
export {
  type AttributedText,
  type Attribution,
  type Attributor,
  attribute,
  trainAttributor,
} from './attribution.ts';
export { corpusBleu, sentenceBleu } from './bleu.ts';
export { type ChrfOptions, corpusChrf, sentenceChrf } from './chrf.ts';
export { accuracy, macroF1 } from './classification.ts';
export { meteor } from './meteor.ts';
export { meanAbsoluteError, rootMeanSquaredError } from './regression.ts';
export { type RougeScore, type RougeScores, rouge } from './rouge.ts';
export { compareStyle, type StyleComparison, type StyleDistance, styleDistance } from './style-distance.ts';
export { wordTokens } from './word-tokens.ts';
export { readWordNet, type Synonyms } from './wordnet.ts';
