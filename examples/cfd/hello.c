/* Pi by the midpoint rule, the interval dealt out among the ranks. */
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv) {
  const long steps = 10000000;
  const double width = 1.0 / steps;
  int rank, ranks, length;
  char host[MPI_MAX_PROCESSOR_NAME];
  double part = 0.0, pi = 0.0;

  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  MPI_Get_processor_name(host, &length);

  for (long i = rank; i < steps; i += ranks) {
    const double x = (i + 0.5) * width;
    part += 4.0 / (1.0 + x * x) * width;
  }
  printf("rank %d of %d on %s\n", rank, ranks, host);
  MPI_Reduce(&part, &pi, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
  if (rank == 0) printf("pi = %.10f\n", pi);

  MPI_Finalize();
  return 0;
}
