/** What has to be known of a method's numbers, said beside them in every table: a mark at the title, a line below. */
import type { MethodResult, Results } from './results.ts';

type Methods = Results['methods'];

const noted = (methods: Methods) => methods.filter(({ remark }) => remark !== undefined);

/** The title, and the number of the remark on its values: `RAG (1)`. */
export function markedTitle(method: MethodResult, all: Methods): string {
  return method.remark === undefined ? method.title : `${method.title} (${noted(all).indexOf(method) + 1})`;
}

/** The remarks on some of the methods, to stand below their table: `RAG (1): no record fitted in ...` */
export function remarkLines(some: Methods, all: Methods): string[] {
  return noted(some).map(method => `${markedTitle(method, all)}: ${method.remark}.`);
}
