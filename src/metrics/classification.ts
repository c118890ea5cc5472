/** Measures of predicted labels, equal to scikit-learn's accuracy_score and f1_score(average='macro'). */
import { checkAligned } from './aligned.ts';

/**
 * The share of predictions that are the reference, 0 to 1. On whole texts it is the exact match: compared as they are,
 * white space and cases included, as in Hugging Face evaluate's exact_match.
 *
 * @throws IdiolectError DATA where there is none, or not as many of both
 */
export function accuracy(predictions: readonly string[], references: readonly string[]): number {
  checkAligned(predictions, references);
  return predictions.filter((prediction, i) => prediction === references[i]).length / predictions.length;
}

/**
 * The mean of each label's F1, 0 to 1, over every label that is predicted or wanted: rare labels count as much as
 * common ones, and a prediction that is no label of the task counts as a label with F1 0.
 *
 * @throws IdiolectError DATA where there is none, or not as many of both
 */
export function macroF1(predictions: readonly string[], references: readonly string[]): number {
  checkAligned(predictions, references);
  const labels = new Set([...references, ...predictions]);
  let sum = 0;
  for (const label of labels) {
    const predicted = predictions.filter(prediction => prediction === label).length;
    const wanted = references.filter(reference => reference === label).length;
    const right = predictions.filter((prediction, i) => prediction === label && references[i] === label).length;
    sum += (2 * right) / (predicted + wanted);
  }
  return sum / labels.size;
}
