import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cedar } from '../../host/policy/cedar.ts';
import { conditionKinds, conditionText, parseConditions } from '../../host/policy/condition.ts';
import { namedAttributes } from '../../host/policy/entity.ts';
import { schemaText } from '../../host/policy/schema.ts';
import {
  actionNames,
  actions,
  type ContextType,
  entityKinds,
  everyContext,
  namespace,
} from '../../host/policy/vocabulary.ts';

const schema = (() => {
  const answer = cedar.call(({ schemaToJson }) => schemaToJson(schemaText));
  assert.ok(answer.type === 'success', JSON.stringify(answer));
  assert.deepEqual(answer.warnings, []);
  const json = answer.json[namespace];
  assert.ok(json !== undefined);
  return json;
})();

const cedarTypes: Readonly<Record<ContextType, string>> = {
  String: 'String',
  Long: 'Long',
  Boolean: 'Bool',
  Labels: 'Set',
  Time: 'datetime',
};

/** The attributes of a record, or of the common type it is called by. */
function attributesOf(type: unknown): Record<string, { type: string; name?: string }> {
  const record = type as { type?: string; name?: string; attributes?: Record<string, { type: string }> };
  if (record.attributes !== undefined) return record.attributes;
  const common = schema.commonTypes?.[record.name ?? record.type ?? ''];
  return common === undefined ? {} : attributesOf(common);
}

function shapeOf(type: unknown): Record<string, string> {
  const attributes = Object.entries(attributesOf(type));
  return Object.fromEntries(attributes.map(([name, one]) => [name, one.name ?? one.type]));
}

test('the schema speaks of the same entities as the host, with the attributes that it gives them', () => {
  assert.deepEqual(Object.keys(schema.entityTypes).sort(), [...entityKinds].sort());
  for (const kind of entityKinds) {
    const type = schema.entityTypes[kind];
    const shape = type !== undefined && 'shape' in type ? shapeOf(type.shape) : {};
    const id = kind === 'Host' ? 'example.com:443' : kind === 'Data' ? 'file:/x' : 'x';
    assert.deepEqual(Object.keys(namedAttributes({ kind, id })).sort(), Object.keys(shape).sort(), kind);
  }
});

test('the schema has the same actions as the host: groups, who, with what, and the context', () => {
  const groups = new Set(actionNames.flatMap((name) => actions[name].groups));
  assert.deepEqual(Object.keys(schema.actions).sort(), [...actionNames, ...groups].sort());
  for (const name of actionNames) {
    const { appliesTo, memberOf = [] } = schema.actions[name] ?? {};
    const own = actions[name];
    assert.deepEqual(memberOf.map(({ id }) => id).sort(), [...own.groups].sort(), name);
    assert.deepEqual([...(appliesTo?.principalTypes ?? [])].sort(), [...own.principals].sort(), name);
    assert.deepEqual([...(appliesTo?.resourceTypes ?? [])].sort(), [...own.resources].sort(), name);
    const types = Object.entries({ ...everyContext, ...own.context });
    const expected = Object.fromEntries(types.map(([attribute, type]) => [attribute, cedarTypes[type]]));
    assert.deepEqual(shapeOf(appliesTo?.context), expected, name);
  }
});

test('every kind of condition is read, written and read again', () => {
  const all = [
    'max-bytes 64 KiB; rate 10/min; redact card.number; until 2026-12-31T18:00:00+01:00; seal; sign',
    'max-fuel 10M; max-memory 64 MiB; deadline 500 ms; tier gvisor; read-only',
  ].join('\n');
  const conditions = parseConditions(all);
  assert.ok(typeof conditions !== 'string', String(conditions));
  assert.deepEqual(
    conditions.map(({ kind }) => kind),
    conditionKinds,
  );
  assert.deepEqual(parseConditions(conditions.map(conditionText).join('; ')), conditions);
});

test('of conditions that bind the same the tightest is kept', () => {
  const kept = (text: string): string[] => {
    const conditions = parseConditions(text);
    return typeof conditions === 'string' ? [conditions] : conditions.map(conditionText);
  };
  assert.deepEqual(kept('max-bytes 2 KiB; max-bytes 1 KiB; max-bytes 3 KiB'), ['max-bytes 1024']);
  assert.deepEqual(kept('tier docker; tier gvisor; tier wasm'), ['tier gvisor']);
  assert.deepEqual(kept('rate 5/s; rate 10/s; rate 7/min'), ['rate 5/s', 'rate 7/min']);
  assert.deepEqual(kept('redact a; redact b; redact a'), ['redact a', 'redact b']);
});
