/** What has to be known of numbers, said beside them in every table: a mark at the method or metric, a line below. */
import type { MethodResult, MetricInfo, Results } from './results.ts';

type Methods = Results['methods'];

const noted = (methods: Methods) => methods.filter(({ remark }) => remark !== undefined);

/** The title, and the number of the remark on its values: `RAG (1)`. */
export function markedTitle(method: MethodResult, all: Methods): string {
  return method.remark === undefined ? method.title : `${method.title} (${noted(all).indexOf(method) + 1})`;
}

/** The remarks on some of the methods, to go below their table: `RAG (1): no record fitted in ...` */
export function remarkLines(some: Methods, all: Methods): string[] {
  return noted(some).map(method => `${markedTitle(method, all)}: ${method.remark}.`);
}

/** The title of a metric, marked where there is a remark on its values: `ROUGE-1 †` */
export function markedMetric({ title, remark }: MetricInfo): string {
  return remark === undefined ? title : `${title} †`;
}

/** The remarks on metrics, those that share one in one line: `† ROUGE-1, ROUGE-L: ...` */
export function metricRemarks(metrics: readonly MetricInfo[]): string[] {
  const remarked = Map.groupBy(
    metrics.filter(({ remark }) => remark !== undefined),
    ({ remark }) => remark,
  );
  return [...remarked].map(([remark, of]) => `† ${of.map(({ title }) => title).join(', ')}: ${remark}.`);
}
