// Tokenizes a JSON text written by itself, n times: many small functions, switches, byte loads.
#define TEXT_MAX 16384
static char text[TEXT_MAX];
static int length, at, depth, tokens;
static unsigned sum;

static void put(const char *s) {
  while (*s && length < TEXT_MAX - 1) text[length++] = *s++;
}

static void put_number(unsigned value) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10), value /= 10;
  while (value);
  while (count && length < TEXT_MAX - 1) text[length++] = digits[--count];
}

static void write_text(void) {
  length = 0;
  put("[");
  for (unsigned i = 0; i < 90; i++) {
    put(i ? ", {\"id\": " : "{\"id\": ");
    put_number(i * 7919);
    put(", \"name\": \"agent \\\"seven\\\" of \\u0041\", \"score\": -");
    put_number(i * 31 % 1000);
    put(".25e3, \"tags\": [\"fast\", \"small\", null, true], \"open\": false}");
  }
  put("]");
}

static int is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
static int is_digit(char c) { return c >= '0' && c <= '9'; }
static char peek(void) { return at < length ? text[at] : 0; }

static void skip_spaces(void) {
  while (is_space(peek())) at++;
}

static void read_string(void) {
  unsigned hash = 2166136261u;
  at++;
  while (at < length && text[at] != '"') {
    if (text[at] == '\\') at++;
    hash = (hash ^ (unsigned char)peek()) * 16777619u;
    at++;
  }
  at++;
  sum ^= hash;
}

static void read_number(void) {
  double value = 0, scale = 1;
  int negative = peek() == '-', exponent = 0;
  if (negative) at++;
  while (is_digit(peek())) value = value * 10 + (text[at++] - '0');
  if (peek() == '.') {
    at++;
    while (is_digit(peek())) scale /= 10, value += (text[at++] - '0') * scale;
  }
  if (peek() == 'e') {
    at++;
    while (is_digit(peek())) exponent = exponent * 10 + (text[at++] - '0');
    while (exponent--) value *= 10;
  }
  sum += (unsigned)(int)(negative ? -value : value);
}

static int read_word(const char *word) {
  while (*word)
    if (peek() != *word++) return 0;
    else at++;
  return 1;
}

static int read_token(void) {
  skip_spaces();
  char c = peek();
  tokens++;
  switch (c) {
    case 0: return 0;
    case '{':
    case '[': depth++, at++; return 1;
    case '}':
    case ']': depth--, at++; return 1;
    case ',':
    case ':': at++; return 1;
    case '"': read_string(); return 1;
    case 't': return read_word("true");
    case 'f': return read_word("false");
    case 'n': return read_word("null");
    default:
      if (c != '-' && !is_digit(c)) return 0;
      read_number();
      return 1;
  }
}

__attribute__((export_name("run"))) int run(int n) {
  write_text();
  sum = 0;
  for (int round = 0; round < n; round++) {
    at = depth = tokens = 0;
    while (read_token()) continue;
    sum = sum * 33 + (unsigned)(tokens + depth * 1000);
  }
  return (int)sum;
}
