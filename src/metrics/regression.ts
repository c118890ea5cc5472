/** Errors of predicted numbers such as ratings, equal to scikit-learn's mean_absolute_error and root_mean_squared_error. */
import { IdiolectError } from '../common/errors.ts';
import { checkAligned } from './aligned.ts';

/**
 * The mean of |prediction - reference|, in the unit of both.
 *
 * @throws IdiolectError DATA where there is none, not as many of both, or one is not finite
 */
export function meanAbsoluteError(predictions: readonly number[], references: readonly number[]): number {
  return mean(differences(predictions, references).map(Math.abs));
}

/**
 * The root of the mean of (prediction - reference)^2, in the unit of both: large errors weigh more.
 *
 * @throws IdiolectError DATA where there is none, not as many of both, or one is not finite
 */
export function rootMeanSquaredError(predictions: readonly number[], references: readonly number[]): number {
  return Math.sqrt(mean(differences(predictions, references).map(error => error * error)));
}

function differences(predictions: readonly number[], references: readonly number[]): readonly number[] {
  checkAligned(predictions, references);
  return predictions.map((prediction, i) => {
    const difference = prediction - references[i]!;
    if (!Number.isFinite(difference)) {
      throw new IdiolectError(
        'DATA',
        `prediction ${i} is ${prediction} and its reference ${references[i]}; both must be finite numbers.`,
      );
    }
    return difference;
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
