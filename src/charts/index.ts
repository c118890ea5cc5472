/// <reference types="node" preserve="true" />
/** Pictures of numbers as SVG text. */
export { type DotChart, type DotSeries, dotChart } from './dot-chart.ts';
export { type LineChart, type LineSeries, lineChart } from './line-chart.ts';
export { type TokenStrip, type TokenText, tokenStrip } from './token-strip.ts';
