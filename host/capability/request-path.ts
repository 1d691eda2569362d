const pathCharsMax = 8192;
/** Printable ASCII without space, `"`, `#`, `<`, `>`, `\`, `^`, `` ` ``, `{`, `|` and `}`: what may stand in a path. */
const plainChars = /^\/[!$-;=?-[\]_a-z~%]*$/i;
const hexEscape = /%[0-9a-f]{2}/i;
const brokenEscape = /%(?![0-9a-f]{2})/i;

/**
 * The path of a request target, without its query, if every server understands it alike; undefined else. Refused are
 * dot segments however often escaped, escaped characters that end or steer something (NUL, line ends), escapes that
 * are no UTF-8, backslashes, and a second slash in front, which some take for a host.
 */
export function requestPath(target: string): string | undefined {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  if (target.length > pathCharsMax || !plainChars.test(path) || path.startsWith('//')) return undefined;
  if (query !== -1 && !/^[!-~]*$/.test(target.slice(query))) return undefined;
  return hasDots(path) || !isEscapedSafely(path) ? undefined : path;
}

/** Decodes until nothing is left to decode: behind one server may be another. Every round makes it shorter. */
function isEscapedSafely(path: string): boolean {
  if (brokenEscape.test(path)) return false;
  let text = path;
  while (hexEscape.test(text)) {
    // Here a lenient decoder and a strict one would part ways.
    if (brokenEscape.test(text)) return false;
    try {
      text = decodeURIComponent(text);
    } catch {
      return false;
    }
    if (hasDots(text) || /\p{Cc}/u.test(text)) return false;
  }
  return true;
}

/** Whether some segment is `.` or `..`, in any writing of dots and slashes, with parameters (`..;x`) or without. */
function hasDots(path: string): boolean {
  return path
    .normalize('NFKC')
    .split(/[/\\]/)
    .some((segment) => /^\.{1,2}\s*(;|$)/.test(segment));
}

/** Whether a path lies under a granted prefix: `/v1` has itself and `/v1/…`, `/v1/` only the latter. */
export function isUnder(path: string, prefix: string): boolean {
  if (prefix.endsWith('/')) return path.startsWith(prefix);
  return path === prefix || (path.startsWith(prefix) && path.charCodeAt(prefix.length) === slash);
}

const slash = 0x2f;
