// A stack machine of twelve instructions runs a small program: one loop around one switch.
enum { PUSH, ADD, MUL, SUB, LOAD, STORE, LESS, JUMP, JUMP_IF, AND, XOR, HALT };
static const int program[] = {
    PUSH, 0, STORE, 0, PUSH, 1, STORE, 1,             // i = 0; sum = 1
    LOAD, 0, LOAD, 2, LESS, JUMP_IF, 17, JUMP, 42,    // 8: while (i < n)
    LOAD, 1, PUSH, 31, MUL, LOAD, 0, ADD,             // 17: sum * 31 + i
    PUSH, 1048575, AND, LOAD, 0, XOR, STORE, 1,       // sum = (… & mask) ^ i
    LOAD, 0, PUSH, 1, ADD, STORE, 0, JUMP, 8,  // i += 1
    HALT                                              // 42
};
static int stack[64], variables[4];

static int execute(const int *code) {
  int *top = stack;
  for (int at = 0;;) {
    switch (code[at++]) {
      case PUSH: *top++ = code[at++]; break;
      case ADD: top--, top[-1] += top[0]; break;
      case MUL: top--, top[-1] *= top[0]; break;
      case SUB: top--, top[-1] -= top[0]; break;
      case LOAD: *top++ = variables[code[at++]]; break;
      case STORE: variables[code[at++]] = *--top; break;
      case LESS: top--, top[-1] = top[-1] < top[0]; break;
      case AND: top--, top[-1] &= top[0]; break;
      case XOR: top--, top[-1] ^= top[0]; break;
      case JUMP: at = code[at]; break;
      case JUMP_IF: at = *--top ? code[at] : at + 1; break;
      default: return variables[1];
    }
  }
}

__attribute__((export_name("run"))) int run(int n) {
  variables[2] = n;
  return execute(program);
}
