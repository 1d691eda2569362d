// n products of two 64 x 64 matrices of doubles: three nested loops, the inner one a few instructions long.
#define SIZE 64
static double left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE];

__attribute__((export_name("run"))) int run(int n) {
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++) left[i][j] = (i * 3 + j) % 17, right[i][j] = (i + j * 5) % 13;
  for (int round = 0; round < n; round++) {
    for (int i = 0; i < SIZE; i++)
      for (int j = 0; j < SIZE; j++) {
        double sum = 0;
        for (int k = 0; k < SIZE; k++) sum += left[i][k] * right[k][j];
        product[i][j] = sum;
      }
    left[round % SIZE][(round * 7) % SIZE] = product[3][5] / 4096;
  }
  return (int)(product[1][2] + product[SIZE - 1][SIZE - 1]);
}
