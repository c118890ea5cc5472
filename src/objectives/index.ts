/// <reference types="node" preserve="true" />
/** Losses on the graph: the built-in ones, and what it takes to write another. */
export { bco } from './bco.ts';
export { type CbpoOptions, cbpo } from './cbpo.ts';
export { dpo } from './dpo.ts';
export {
  column,
  columnInput,
  countGroups,
  implicitReward,
  logRatio,
  referenceLogProbs,
  requireBothGroups,
  scalar,
  scalarInput,
  weightedSum,
} from './inputs.ts';
export { kto } from './kto.ts';
export type { Example, Group, Objective, ObjectiveState } from './objective.ts';
export { type ObjectiveResult, ObjectiveSession } from './objective-session.ts';
export { OBJECTIVE_NAMES, type ObjectiveSettings, type TrainableObjective } from './objectives.ts';
export { sft } from './sft.ts';
