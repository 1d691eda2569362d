// Escape times of n x n points of the Mandelbrot set: a float loop with two exits.
export function run(n: i32): i32 {
  let sum = 0;
  for (let py = 0; py < n; py++) {
    const cy = (2.4 * py) / n - 1.2;
    for (let px = 0; px < n; px++) {
      const cx = (3.2 * px) / n - 2.2;
      let x = 0.0;
      let y = 0.0;
      let steps = 0;
      while (steps < 100) {
        const xx = x * x;
        const yy = y * y;
        if (xx + yy > 4.0) break;
        y = 2.0 * x * y + cy;
        x = xx - yy + cx;
        steps++;
      }
      sum += steps;
    }
  }
  return sum;
}
