import assert from 'node:assert/strict';
import { test } from 'node:test';
import { worldTarget } from '../../guest-sdk/build/target.ts';
import { witFolder, witOf } from '../../guest-sdk/build/wit-text.ts';

const mistakes: readonly (readonly [what: string, wit: string, expected: string])[] = [
  [
    'a missing colon',
    'package a:b@0.1.0;\n\nworld w {\n  export f func();\n}',
    "world.wit:4:12: expected ';', found keyword `func`\n  4 |   export f func();\n                 ^",
  ],
  [
    'a list that is not closed',
    'package a:b@0.1.0;\nworld w {\n export f: func(a: list<u8) }',
    "world.wit:3:27: expected '>', found ')'\n  3 |  export f: func(a: list<u8) }\n                                ^",
  ],
  [
    'a type that does not exist, below a comment that names it',
    'package a:b@0.1.0;\n// strin\ninterface x {\n  f: func(a: strin);\n}\nworld w { import x; }',
    'world.wit:4:14: name `strin` does not exist\n  4 |   f: func(a: strin);\n                   ^',
  ],
  [
    'a name given twice',
    'package a:b@0.1.0;\nworld w {\n export f: func();\n export f: func(); }',
    'world.wit:4:9: export `f` conflicts with prior func of same name\n  4 |  export f: func(); }\n              ^',
  ],
  [
    'a version that there is none of, beside one that there is',
    'package a:b@0.1.0;\nworld w {\n  include motehost:agent/handler@0.1.0;\n  import motehost:agent/bus@0.2.0;\n}',
    "world.wit:4:10: package 'motehost:agent@0.2.0' not found; there is motehost:agent@0.1.0\n  4 |   import motehost:agent/bus@0.2.0;\n               ^",
  ],
  [
    'a package that is not there',
    'package a:b@0.1.0;\nworld w {\n  import x:y/bus;\n}',
    "world.wit:3:10: package 'x:y' not found; put its WIT into wit/deps\n  3 |   import x:y/bus;\n               ^",
  ],
  [
    'a world that is not there',
    'package a:b@0.1.0;\nworld v { export f: func(); }',
    "agent.toml: package 'a:b@0.1.0' has no world 'w', did you mean 'v'?; it has: v",
  ],
];

for (const [what, wit, expected] of mistakes) {
  test(`the WIT error for ${what} names the place and the cure`, async () => {
    await assert.rejects(worldTarget(witOf(wit, [witFolder]), 'w'), {
      code: 'HOST_ERR_WIT_INVALID',
      message: expected,
    });
  });
}
