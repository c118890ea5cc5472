/** What every measure over a corpus needs: as many predictions as references, and at least one. */
import { IdiolectError } from '../common/errors.ts';

export function checkAligned(predictions: readonly unknown[], references: readonly unknown[]): void {
  if (predictions.length > 0 && predictions.length === references.length) return;
  throw new IdiolectError(
    'DATA',
    `a metric needs one reference a prediction, at least one; found ${predictions.length} predictions and ${references.length} references.`,
  );
}
