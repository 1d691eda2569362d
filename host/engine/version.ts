/**
 * Part of every cache key: raised by any change to what preparation produces. It names the versions of the
 * rewriter and the transpiler without loading them; a test holds it equal to theirs.
 */
export const artifactVersion = 'a14-meter-8-jco-transpile-0.15.0+motehost.12';
