// n steps of five bodies under gravity: doubles, square roots, short nested loops.
#define BODIES 5
typedef struct {
  double x, y, z, vx, vy, vz, mass;
} body;
static body bodies[BODIES];

static void place(void) {
  for (int i = 0; i < BODIES; i++) {
    double away = i * 5.2;
    bodies[i] = (body){away, away * 0.3 - 1, i * 0.25, 0.1 * i, i ? 2.6 / i : 0, 0.01 * i, i ? 0.03 / i : 39.47};
  }
}

static void advance(double dt) {
  for (int i = 0; i < BODIES; i++) {
    body *a = &bodies[i];
    for (int j = i + 1; j < BODIES; j++) {
      body *b = &bodies[j];
      double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      double squared = dx * dx + dy * dy + dz * dz;
      double pull = dt / (squared * __builtin_sqrt(squared));
      a->vx -= dx * b->mass * pull, a->vy -= dy * b->mass * pull, a->vz -= dz * b->mass * pull;
      b->vx += dx * a->mass * pull, b->vy += dy * a->mass * pull, b->vz += dz * a->mass * pull;
    }
  }
  for (int i = 0; i < BODIES; i++) {
    body *a = &bodies[i];
    a->x += dt * a->vx, a->y += dt * a->vy, a->z += dt * a->vz;
  }
}

__attribute__((export_name("run"))) int run(int n) {
  place();
  for (int i = 0; i < n; i++) advance(0.001);
  double sum = 0;
  for (int i = 0; i < BODIES; i++) sum += bodies[i].x * (i + 1) + bodies[i].vy * 100;
  return (int)(sum * 1000);
}
