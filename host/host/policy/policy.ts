// The front doors know no room between: what they need of policies reaches them from here.
export { actionOf, type CaseResult, readCases, runCases } from '../../policy/cases.ts';
export { conditionText } from '../../policy/condition.ts';
export { isAllowed } from '../../policy/decision.ts';
export { entityText, parseEntity } from '../../policy/entity.ts';
export { type Explanation, explain, type Nearest } from '../../policy/explain.ts';
export { faultText, type PolicyFault } from '../../policy/place.ts';
export { invalidPolicies, type LoadedFolder, PolicyReader } from '../../policy/policies.ts';
export type { ContextValue, PolicyContext, PolicyRequest } from '../../policy/request.ts';
export type { PolicySet, Rule } from '../../policy/rule.ts';
export { schemaText } from '../../policy/schema.ts';
export { tomlFault } from '../../policy/toml.ts';
export { type ActionName, contextType } from '../../policy/vocabulary.ts';
export { PolicyWatch } from '../../policy/watch.ts';
