/// <reference types="node" preserve="true" />
/** What the command line shows, for programs of your own: lines, tables, time left, and jobs as they work. */
export { duration } from '../common/duration.ts';
export { compareReporter } from './compare-progress.ts';
export { resultRows, standing } from './result-table.ts';
export { table } from './table.ts';
export { type Terminal, terminal } from './terminal.ts';
export { TimeLeft, TotalLeft } from './time-left.ts';
export { trainReporter } from './train-progress.ts';
